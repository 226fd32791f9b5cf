"""Copies the files that declare packages, so that packages are installed before the sources are copied.

    manifests.py TARGET FOLDER

FOLDER is that of manage.py. Files that declare packages go to TARGET/files and, with archives and local packages (./libs/orders),
to TARGET/all. Runs in the project's folder.
"""

import os
import re
import shutil
import sys

DECLARES = re.compile(
    r"pyproject\.toml|setup\.(py|cfg)|.*\.lock|pylock.*\.toml|uv\.toml|Pipfile|(.*[-_.])?(requirements?|reqs|constraints?)([-_.].*)?\.(txt|in|pip)",
    re.IGNORECASE,
)
# Folders whose text files are all requirements.
HOLDS = re.compile(r"(^|/)(requirements?|reqs|deps|dependencies)$", re.IGNORECASE)
ARCHIVE = re.compile(r".*\.(whl|tar\.gz|tgz|zip)$")
INCLUDE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*([^\s#]+)")
SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"}
# A file's time, so that the same files always give the same layer.
TIME = 1_000_000_000


def declared():
    """The files that declare packages, and those that these include; archives."""
    files, archives = [], []
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(set(folders) - SKIPPED)
        folder = os.path.relpath(folder)
        for name in sorted(names):
            path = os.path.normpath(os.path.join(folder, name))
            if DECLARES.fullmatch(name) or (HOLDS.search(folder) and name.endswith((".txt", ".in", ".pip"))):
                files.append(path)
            elif ARCHIVE.fullmatch(name):
                archives.append(path)
    for path in files:
        files += [found for found in included(path) if found not in files]
    return files, archives


def included(path):
    """What a requirements file includes: it may have any name."""
    if not path.endswith((".txt", ".in", ".pip")):
        return []
    with open(path, encoding="utf-8", errors="replace") as lines:
        named = [found.group(1) for found in map(INCLUDE.match, lines) if found]
    beside = (os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in named if "://" not in name)
    return [found for found in beside if os.path.isfile(found) and not found.startswith("..")]


def local_packages(files, folder):
    """The folders of packages in the project, without those that manage.py is in."""
    folders = {os.path.dirname(path) for path in files if os.path.basename(path) in ("pyproject.toml", "setup.py")}
    own = os.path.join(".", folder, "")
    return [found for found in folders if found and not own.startswith(os.path.join(".", found, ""))]


def copy(paths, target):
    os.makedirs(target, exist_ok=True)
    for path in paths:
        place = os.path.join(target, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.isdir(path):
            skip = shutil.ignore_patterns(*SKIPPED, "*.egg-info")
            shutil.copytree(path, place, symlinks=True, ignore=skip, dirs_exist_ok=True)
        else:
            shutil.copy(path, place)
    for folder, folders, files in os.walk(target):
        for name in [*files, *folders, "."]:
            os.utime(os.path.join(folder, name), (TIME, TIME), follow_symlinks=False)


def main(target, folder):
    files, archives = declared()
    copy(files, os.path.join(target, "files"))
    copy([*files, *archives, *local_packages(files, folder)], os.path.join(target, "all"))


if __name__ == "__main__":
    main(*sys.argv[1:])
