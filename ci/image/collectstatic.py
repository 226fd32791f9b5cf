"""Collects a project's static files in the layout that nginx serves, and writes down what only Django knows of the project.

collectstatic.py ROOT [FACTS]    during the image build: with STATIC_URL /static/, the files go to ROOT/static; FACTS is JSON
collectstatic.py --watch ROOT    in development: collects again whenever a file changes
"""

import json
import os
import pathlib
import shutil
import sys
import time
import urllib.parse

from facts import a_file, facts
from placeholders import explain, import_settings, is_library
from uploads import place_uploads

RUN_DIR = pathlib.Path(os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline"))
USER = 10001


def main(arguments):
    sys.path.insert(0, os.getcwd())
    is_watching = "--watch" in arguments
    import_settings(placeholders=not is_watching)
    if is_watching:
        watch(pathlib.Path(arguments[-1]))
    root, *files = map(pathlib.Path, arguments)
    try:
        collect(root)
    except Exception as problem:
        sys.exit(explain(problem, "the static files cannot be collected"))
    for file in files:
        file.write_text(json.dumps(known_facts(root)))
    if files:
        open_folders()
        place_uploads()


def known_facts(root):
    """The facts; without the addresses if these cannot be known without a service."""
    try:
        return facts(root)
    except Exception as problem:
        if is_library(problem):
            sys.exit(explain(problem, "the site's addresses (ROOT_URLCONF) cannot be imported"))
        print(f"collectstatic: the site's addresses are not known here: {type(problem).__name__}: {problem}", flush=True)
        return {"staticFile": a_file(root), "health": None, "hasChecks": False}


def open_folders():
    """Gives the application's user the folders in which SQLite writes, as the settings of `startproject` have them."""
    from django.conf import settings

    # An image of another Dockerfile has links to the project there.
    roots = tuple(f"{os.path.realpath(path)}/" for path in ("/app", "."))
    for database in settings.DATABASES.values():
        name = str(database.get("NAME") or ":memory:")
        path = os.path.realpath(name)
        # In memory, and a URI, have a colon.
        if "sqlite" in database.get("ENGINE", "") and ":" not in name and path.startswith(roots):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.chown(os.path.dirname(path), USER, USER)


def has_static_files():
    """Whether the project can have static files: Django itself requires both of these for them."""
    from django.conf import settings

    return "django.contrib.staticfiles" in settings.INSTALLED_APPS and bool(settings.STATIC_URL)


def served(root):
    """The folder from which nginx serves STATIC_URL, also if that is on a host for static files."""
    from django.conf import settings

    return root / urllib.parse.urlsplit(settings.STATIC_URL).path.strip("/")


def collect(root):
    """Collects the files, or prints why there are none to collect."""
    from django.conf import settings
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import FileSystemStorage
    from django.core.management import call_command

    root.mkdir(parents=True, exist_ok=True)
    if not has_static_files():
        print("collectstatic: without django.contrib.staticfiles and STATIC_URL there is nothing to collect")
        return
    if not settings.STATIC_ROOT:
        # As `startproject` leaves the settings; before the storage, which reads it once, is used.
        settings.STATIC_ROOT = str(served(root))
    if not isinstance(staticfiles_storage, FileSystemStorage):
        print(f"collectstatic: {type(staticfiles_storage).__name__} keeps the files elsewhere, there is nothing to collect")
        return
    call_command("collectstatic", interactive=False, verbosity=1)
    collected = pathlib.Path(settings.STATIC_ROOT).resolve()
    if collected != served(root).resolve():
        shutil.copytree(str(collected), str(served(root)), dirs_exist_ok=True)


def sources():
    """The application's static source files with their modification times."""
    from django.contrib.staticfiles.finders import get_finders

    found = (storage.path(path) for finder in get_finders() for path, storage in finder.list([]))
    return {path: os.stat(path).st_mtime_ns for path in found if os.path.exists(path)}


def watch(root):
    """Collects into the folder that nginx serves, now and after each change, forever."""
    from django.conf import settings

    if has_static_files():
        settings.STATIC_ROOT = str(served(root))
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    known = None
    while True:
        current = sources() if has_static_files() else {}
        if current != known:
            collect(root)
            known = current
        (RUN_DIR / "static").touch()  # heartbeat for healthcheck.py
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1:])
