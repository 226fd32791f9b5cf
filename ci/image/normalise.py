"""Makes files from a checkout usable in an image, whatever the checkout's umask and line endings were.

    normalise.py FOLDER...

Every user can read them. A script (its first line begins with #!) is executable, with Unix line endings.
"""

import os
import stat
import sys


def files_in(folder):
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (os.path.join(parent, name) for name in folders + files)


def unix_script(path):
    """Whether the file is a script. Its line endings are those of Unix afterwards."""
    with open(path, "rb") as file:
        if file.read(2) != b"#!":
            return False
        file.seek(0)
        text = file.read()
    if b"\r\n" in text:
        with open(path, "wb") as file:
            file.write(text.replace(b"\r\n", b"\n"))
    return True


def normalise(path):
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and (unix_script(path) or mode & 0o111)):
        wanted = mode | 0o555
    elif stat.S_ISREG(mode):
        wanted = mode | 0o444
    else:
        return
    # Only if necessary: a change copies the file into another layer.
    if wanted != mode:
        os.chmod(path, wanted)


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        for path in files_in(folder):
            normalise(path)
