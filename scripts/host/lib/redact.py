"""Replaces secrets with ***.

    redact.py [--lines] [FOLDER]

Reads words from standard input, each ended by a NUL, and joins them to one line for the history; or with --lines
copies lines. The files in FOLDER/*/ (default: /secrets) hold values that must not appear.
"""

import json
import pathlib
import re
import shlex
import sys

SHORTEST = 6  # a shorter value appears in ordinary words
LONGEST = 1000  # characters of the line
# Names of databases and hosts: hidden as whole words, unless they are a service's own.
IDENTIFIER = re.compile(r"_(DB|USER|HOST)$")
SERVICES = {"app", "worker", "beat", "postgres", "redis", "kafka", "nginx", "collector", "loki", "grafana"}

# What looks like a secret. The same expressions as in logs/records.yaml.
FORMS = [
    r"""(?i)(authorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:basic|bearer|token|digest|apikey)\s+)?)[^\s"'\\,;]+""",
    r"""(?i)\b(bearer\s+)[\w.~+/=-]{8,}""",
    r"""(?i)((?:pass(?:word|wd|phrase|code)|[_-]pass|pwd|secret|token|signature|session[_-]?(?:id|key)|(?:api|access|account|private|secret|signing|encryption)[_-]?key)\d*\\*["']?)(?:(\s*[:=]\s*")(?:[^"\\]|\\.)*|(\s*[:=]\s*\\+")[^"\\]*|((?:\s*[:=]\s*|\s+)\\*')(?:[^'"\\]|\\.|'')*|(\s*[:=]\s*)[^\s"'\\,;&{\[][^\s"'\\,;&]*)""",
    r"""(?i)(--[\w-]*(?:pass|pwd|secret|token|key)[\w-]*\s+)[^\s"'\\-][^\s"'\\]*""",
    r"""(?i)(\b[a-z][a-z0-9+.-]*://[^\s:/@"']*:)[^\s/"'?#]+@""",
]


def patterns_of(folder):
    """Expressions for the values in the files, the longest first."""
    found = {}
    for file in folder.glob("*/*"):
        if file.name.startswith(".") or file.name.endswith("_PORT") or not file.is_file():
            continue
        for line in file.read_text(errors="replace").splitlines():
            value = line.strip()
            if IDENTIFIER.search(file.name):
                if value and value not in SERVICES:
                    found.setdefault(value, rf"(?<!\w){re.escape(value)}(?!\w)")
            elif len(value) >= SHORTEST:
                for form in (value, json.dumps(value)[1:-1]):
                    found[form] = re.escape(form)
    return [found[value] for value in sorted(found, key=len, reverse=True)]


def hidden(text, known):
    """The text without known values and what looks like a secret."""
    for pattern in known:
        text = re.sub(pattern, "***", text)
    for form in FORMS:
        text = re.sub(form, keep_groups, text)
    return text


def keep_groups(match):
    """Replaces all but the groups, which come before the secret, and an @ after it."""
    return "".join(group or "" for group in match.groups()) + "***" + "@" * match[0].endswith("@")


def one_line(words, known):
    """The words, quoted like words of a shell where necessary."""
    line, previous = [], ""
    for word in words:
        # An option's value is a word of its own, and may contain blanks.
        is_secret = not word.startswith("-") and hidden(f"{previous} x", []) == f"{previous} ***"
        line.append("***" if is_secret or hidden(word, known) == "***" else shlex.quote(hidden(word, known)))
        previous = word
    text = re.sub(r"\s+", " ", " ".join(line))
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


if __name__ == "__main__":
    folders = [argument for argument in sys.argv[1:] if argument != "--lines"]
    known = patterns_of(pathlib.Path((folders or ["/secrets"])[0]))
    given = sys.stdin.buffer.read().decode(errors="replace")
    if "--lines" in sys.argv:
        sys.stdout.writelines(hidden(line, known) for line in given.splitlines(keepends=True))
    else:
        print(one_line(given.split("\0")[:-1], known))
