"""Says in one line why uv could not install packages, and what to do."""

import os
import re

LONGEST = 500  # characters
MANIFEST = re.compile(r".*\.(txt|in|pip|toml|cfg)|Pipfile|setup\.py")


def reason(said):
    """The line for what uv wrote to stderr."""
    built = re.search(r"Failed to (?:build|download and build) `([^`]+)`", said)
    missing = re.search(r"Because (\S+) was not found in the package registry", said)
    if built:
        header = re.search(r"error: (\S+\.h(?:pp)?): No such file", said)
        why = f"it needs {header.group(1)}" if header else last_line(said.split("\nhint:")[0])
        advice = 'name the Debian package that has what is missing in stackline.json: {"packages": ["..."]}'
        return f"{built.group(1)} cannot be built: {why}: {advice}"
    if missing:
        name = missing.group(1)
        return f"{declared(name)}no package index has {name}: correct its name, or declare the index that has it"
    parts = re.findall(r"^\s*(?:error|cause): (.*)", said, re.MULTILINE)
    return ": ".join(parts)[:LONGEST] or last_line(said) or "uv failed"


def last_line(text):
    return next((line.strip()[:LONGEST] for line in reversed(text.splitlines()) if line.strip()), "")


def declared(name):
    """FILE:LINE of a package's name in this folder, if one of its files has it."""
    spelling = "[-_.]+".join(map(re.escape, re.split("[-_.]+", name)))
    pattern = re.compile(rf"(?<![\w.-]){spelling}(?![\w.-])", re.IGNORECASE)
    for folder, _, names in os.walk("."):
        for path in sorted(os.path.relpath(os.path.join(folder, item)) for item in names if MANIFEST.fullmatch(item)):
            with open(path, encoding="utf-8", errors="replace") as lines:
                numbers = [number for number, line in enumerate(lines, 1) if pattern.search(line)]
            if numbers:
                return f"{path}:{numbers[0]}: "
    return ""
