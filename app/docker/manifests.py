"""Copies what requirements.txt names, so that packages are installed before the sources are copied.

    manifests.py TARGET

Requirements and constraints files (-r, -c) go to TARGET/files and, with local packages (./libs/orders),
archives and folders of archives (--find-links), to TARGET/all. Runs in the application's folder, with the
pip that installs: its own parser reads the files.
"""

import os
import re
import shutil
import sys
import urllib.parse

from pip._internal.exceptions import InstallationError
from pip._internal.req.req_file import RequirementsFileParser, get_line_parser

ARCHIVE = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# The part of a URL with a user and a password or token. In ssh://git@host, "git" is not a secret.
CREDENTIALS = re.compile(r"https?://[^/\s@]+@", re.IGNORECASE)
# A file's time, so that the same files always give the same layer.
TIME = 1_000_000_000


class Manifests:
    """The files that requirements.txt names."""

    def __init__(self):
        self.files, self.others = [], []
        self.parser = RequirementsFileParser(None, get_line_parser(None))

    def read(self, path):
        if path in self.files:
            return
        self.files.append(path)
        refuse_credentials(path)
        for line in self.parser._parse_file(path, False):
            self.add(line, f"{path}:{line.lineno}")

    def add(self, line, where):
        for nested in (line.opts.requirements or []) + (line.opts.constraints or []):
            if "://" not in nested:
                self.read(inside(os.path.join(os.path.dirname(line.filename), nested), where))
        for folder in line.opts.find_links or []:
            beside = os.path.join(os.path.dirname(line.filename), folder)
            local = local_path(beside if os.path.exists(beside) else folder)
            if local:
                self.others.append(inside(local, where))
        local = local_path(line.requirement) if line.is_requirement else ""
        if local:
            self.others.append(inside(local, where))


def refuse_credentials(path):
    """In comments, too: they would be in the image as well."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if CREDENTIALS.search(line.replace("\0", "")):
                sys.exit(f"{path}:{number}: the URL contains a user name or password")


def local_path(requirement):
    """The path of a requirement that is a local file or folder, else ""."""
    path = re.split(r"\s*;|#|\[", requirement.split(" @ ")[-1].strip())[0].strip()
    if path.startswith("file:"):
        return urllib.parse.unquote(urllib.parse.urlparse(path).path)
    is_path = path.startswith(".") or path.endswith(ARCHIVE) or ("/" in path and os.path.exists(path))
    return path if is_path and "://" not in path else ""


def inside(path, where):
    """The path relative to the application's folder; ends the program if it is missing or outside."""
    relative = os.path.relpath(path)
    if relative.startswith("../"):
        sys.exit(f"{where}: {path} is outside the application's folder")
    if not os.path.exists(relative):
        sys.exit(f"{where}: no such file or directory: {path}")
    return relative


def copy(paths, target):
    for path in paths:
        place = os.path.join(target, path)
        os.makedirs(os.path.dirname(place) or ".", exist_ok=True)
        if os.path.isdir(path):
            skip = shutil.ignore_patterns("__pycache__", ".git", "*.egg-info")
            shutil.copytree(path, place, symlinks=True, ignore=skip, dirs_exist_ok=True)
        else:
            shutil.copy(path, place)
    for folder, folders, files in os.walk(target):
        for name in [*files, *folders, "."]:
            os.utime(os.path.join(folder, name), (TIME, TIME), follow_symlinks=False)


def main(target):
    manifests = Manifests()
    try:
        manifests.read(inside("requirements.txt", "requirements.txt"))
    except InstallationError as problem:
        sys.exit(str(problem))
    copy(manifests.files, os.path.join(target, "files"))
    copy([*manifests.files, *manifests.others], os.path.join(target, "all"))


if __name__ == "__main__":
    main(*sys.argv[1:])
