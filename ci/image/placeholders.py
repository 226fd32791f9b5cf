"""Imports a project's settings during the image build, where none of their variables is set.

Variables that the settings ask for get placeholders in the environment of this process alone: no layer and no file has them.
"""

import os
import re
import secrets
import subprocess
import sys
import traceback

from variables import REQUIRED, derived, placeholder

# The variables of every deployment. Nothing connects to these hosts.
KNOWN = {
    **dict.fromkeys(("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD", "DATABASE_HOST", "REDIS_HOST", "KAFKA_HOST"), "build"),
    "DATABASE_PORT": "5432",
    "REDIS_PORT": "6379",
    "KAFKA_PORT": "9092",
}
# How django-environ, python-decouple, os.environ, pydantic-settings and this repository's application name a missing variable.
MISSING = (
    re.compile(r"Set the (\w+) environment variable"),
    re.compile(r"^(?:decouple\.)?UndefinedValueError: (\w+) not found", re.MULTILINE),
    re.compile(r"^KeyError: ['\"]([A-Z][A-Z0-9_]*)['\"]", re.MULTILINE),
    re.compile(r"(?:[Ee]nvironment variable|[Ss]et|[Mm]issing:?) [`'\"]?([A-Z][A-Z0-9_]{2,})\b"),
    re.compile(r"^([A-Z][A-Z0-9_]+)\s+Field required", re.MULTILINE),
    re.compile(r"\b([A-Z][A-Z0-9_]{2,}) (?:environment variable|must be set|is required|is not set|must not be empty)"),
)
MOST = 60  # variables
# Names of the placeholders, for the next process.
ADDED = "STACKLINE_ADDED"


def import_settings(placeholders):
    """Sets up Django; ends the program with one line if the settings cannot be imported."""
    if placeholders:
        add_known()
    try:
        import django

        django.setup()
        if placeholders:
            REQUIRED.write_text(os.environ.get(ADDED, ""))
    except BaseException as problem:  # settings may call sys.exit
        if placeholders and add_missing():
            # In a new process, because the failed import has left half of the modules behind.
            os.execv(sys.executable, [sys.executable, *sys.argv])
        sys.exit(explain(problem))


def add_known():
    os.environ.update({name: value for name, value in KNOWN.items() if name not in os.environ})
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    os.environ.update(derived(dict(os.environ)))


def add_missing():
    """Adds placeholders for variables that the settings require. Returns whether there were any."""
    for found in range(MOST):
        name = missing_variable()
        if name is None:
            return found > 0
        os.environ[name] = placeholder(name)
        os.environ[ADDED] = f"{os.environ.get(ADDED, '')}{name}\n"
        print(f"collectstatic: the settings need {name}: a placeholder stands for it in this step", flush=True)
    return False


def missing_variable():
    """The name of a variable without which the settings cannot be imported, or None."""
    program = "import sys, django; sys.path.insert(0, '.'); django.setup()"
    tried = subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if tried.returncode == 0:
        return None
    said = tried.stderr.decode("utf-8", "replace")[-4000:]
    found = (match.group(1) for pattern in MISSING for match in [pattern.search(said)] if match)
    return next((name for name in found if name not in os.environ), None)


def is_library(problem):
    """Whether a module or a shared library is missing."""
    lacks_file = isinstance(problem, OSError) and re.search(r"\.so\b|cannot load library", str(problem))
    return isinstance(problem, ImportError) or bool(lacks_file)


def explain(problem, failed=None):
    """One line: what is wrong, where, what to do."""
    failed = failed or f"the settings {os.environ.get('DJANGO_SETTINGS_MODULE', '')} cannot be imported"
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename.startswith(os.getcwd())]
    where = f" (at {os.path.relpath(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    said = " ".join(str(problem).split())[:500]
    advice = ""
    if isinstance(problem, ModuleNotFoundError):
        advice = ": add the package that has this module to the project's dependencies"
    elif isinstance(problem, (OSError, ImportError)) and re.search(r"\.so\b|cannot load library|lib\w+", said):
        advice = ': name the Debian package that has this library in stackline.json: {"packages": ["..."]}'
    elif "unable to open database file" in said:
        advice = ": the folder of an SQLite file is missing: add it to the project, with an empty file in it"
    elif isinstance(problem, KeyError):
        said = f"the variable {said} is missing"
    return f"{failed}: {type(problem).__name__}: {said}{where}{advice}"


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    import_settings(placeholders=False)
