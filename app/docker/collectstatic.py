"""Collects an application's static files, and lays them out as nginx serves them.

collectstatic.py ROOT            while the image is built: the files of STATIC_URL /static/ end in ROOT/static
collectstatic.py --watch ROOT    in development: again whenever one of them has changed
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
    """Sets the application up."""
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    django.setup()


def collect(root):
    """Does nothing, and says so, for an application that has no static files to collect."""
    root.mkdir(parents=True, exist_ok=True)
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not settings.STATIC_ROOT:
        print("collectstatic: the application has no STATIC_ROOT, nothing to collect")
        return
    call_command("collectstatic", interactive=False, verbosity=1)
    collected, served = pathlib.Path(settings.STATIC_ROOT).resolve(), root / settings.STATIC_URL.strip("/")
    if "://" not in settings.STATIC_URL and collected != served.resolve():
        shutil.copytree(str(collected), str(served))


def sources():
    """The application's static files as they lie in its folders, with the times of their last changes."""
    from django.contrib.staticfiles.finders import get_finders

    found = (storage.path(path) for finder in get_finders() for path, storage in finder.list([]))
    return {path: os.stat(path).st_mtime_ns for path in found if os.path.exists(path)}


def watch(root):
    """Collects into the place that nginx serves, and does it again after each change, without end."""
    settings.STATIC_ROOT = str(root / settings.STATIC_URL.strip("/"))
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    known = None
    while True:
        current = sources() if "django.contrib.staticfiles" in settings.INSTALLED_APPS else {}
        if current != known:
            collect(root)
            known = current
        (RUN_DIR / "static").touch()  # healthcheck.py looks for it
        time.sleep(1)


def settings_module():
    """The settings that manage.py would take."""
    for line in pathlib.Path("manage.py").read_text().splitlines():
        if "DJANGO_SETTINGS_MODULE" in line:
            return line.replace("'", '"').split('"')[3]
    return "devops_001.settings"


if __name__ == "__main__":
    prepare()
    (watch if sys.argv[1] == "--watch" else collect)(pathlib.Path(sys.argv[-1]))
