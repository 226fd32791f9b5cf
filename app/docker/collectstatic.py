"""Collects an application's static files in the layout that nginx serves.

collectstatic.py ROOT            during the image build: with STATIC_URL /static/, the files go to ROOT/static
collectstatic.py --watch ROOT    in development: collects again whenever a file changes
"""

import os
import pathlib
import shutil
import sys
import time

import django
from django.conf import settings
from django.core.management import call_command

RUN_DIR = pathlib.Path(os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline"))


def prepare():
    """Sets up Django."""
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    django.setup()


def collect(root):
    """Collects the files, or prints a message if the application has no static files to collect."""
    root.mkdir(parents=True, exist_ok=True)
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not settings.STATIC_ROOT:
        print("collectstatic: the application has no STATIC_ROOT, nothing to collect")
        return
    call_command("collectstatic", interactive=False, verbosity=1)
    collected, served = pathlib.Path(settings.STATIC_ROOT).resolve(), root / settings.STATIC_URL.strip("/")
    if "://" not in settings.STATIC_URL and collected != served.resolve():
        shutil.copytree(str(collected), str(served))


def sources():
    """The application's static source files with their modification times."""
    from django.contrib.staticfiles.finders import get_finders

    found = (storage.path(path) for finder in get_finders() for path, storage in finder.list([]))
    return {path: os.stat(path).st_mtime_ns for path in found if os.path.exists(path)}


def watch(root):
    """Collects into the folder that nginx serves, now and after each change, forever."""
    settings.STATIC_ROOT = str(root / settings.STATIC_URL.strip("/"))
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    known = None
    while True:
        current = sources() if "django.contrib.staticfiles" in settings.INSTALLED_APPS else {}
        if current != known:
            collect(root)
            known = current
        (RUN_DIR / "static").touch()  # heartbeat for healthcheck.py
        time.sleep(1)


def settings_module():
    """The settings module that manage.py uses."""
    for line in pathlib.Path("manage.py").read_text().splitlines():
        if "DJANGO_SETTINGS_MODULE" in line:
            return line.replace("'", '"').split('"')[3]
    return "devops_001.settings"


if __name__ == "__main__":
    prepare()
    (watch if sys.argv[1] == "--watch" else collect)(pathlib.Path(sys.argv[-1]))
