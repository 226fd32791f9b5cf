"""Gives uploads a place outside of the image: the folder MEDIA_ROOT becomes a link into a volume.

In the volume, what MEDIA_URL names is in `public` under the path of that URL, where nginx finds it, and what has no URL in
`private`. Files that are there already become the first content of a new volume.
"""

import os
import pathlib
import shutil
import urllib.parse

VOLUME = pathlib.Path("/srv/media")
USER = 10001


def place_uploads(volume=VOLUME):
    from django.conf import settings
    from django.core.files.storage import FileSystemStorage, default_storage

    if not settings.MEDIA_ROOT or not isinstance(default_storage, FileSystemStorage):
        return
    path = urllib.parse.urlsplit(settings.MEDIA_URL or "").path.strip("/")
    link(pathlib.Path(settings.MEDIA_ROOT).absolute(), volume / "public" / path if path else volume / "private")


def link(root, place):
    """Makes `root` a link to `place`, to which its files move."""
    place.mkdir(parents=True, exist_ok=True)
    if root != place:
        if root in (pathlib.Path.cwd(), *pathlib.Path.cwd().parents):
            raise SystemExit(
                f"collectstatic: MEDIA_ROOT is {root}, where the application itself is: give uploads their own folder"
            )
        if root.is_dir():
            shutil.copytree(root, place, dirs_exist_ok=True)
            shutil.rmtree(root)
        root.parent.mkdir(parents=True, exist_ok=True)
        root.symlink_to(place)
    for folder, _, files in os.walk(place):
        for name in [folder, *(os.path.join(folder, file) for file in files)]:
            shutil.chown(name, USER, USER)
