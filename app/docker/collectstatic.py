"""Collects an application's static files while its image is built, and lays them out as nginx serves them.

collectstatic.py ROOT    the files of STATIC_URL /static/ end in ROOT/static
"""

import os
import pathlib
import shutil
import sys

import django
from django.conf import settings
from django.core.management import call_command


def main(root):
    """Does nothing, and says so, for an application that has no static files to collect."""
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    django.setup()
    root.mkdir(parents=True, exist_ok=True)
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not settings.STATIC_ROOT:
        print("collectstatic: the application has no STATIC_ROOT, nothing to collect")
        return
    call_command("collectstatic", interactive=False, verbosity=1)
    collected, served = pathlib.Path(settings.STATIC_ROOT).resolve(), root / settings.STATIC_URL.strip("/")
    if "://" not in settings.STATIC_URL and collected != served.resolve():
        shutil.copytree(str(collected), str(served))


def settings_module():
    """The settings that manage.py would take."""
    for line in pathlib.Path("manage.py").read_text().splitlines():
        if "DJANGO_SETTINGS_MODULE" in line:
            return line.replace("'", '"').split('"')[3]
    return "devops_001.settings"


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
