"""Installs a project's packages into the virtual environment, with uv.

    install.py NAME...

A NAME is a lock file (uv.lock, poetry.lock, pdm.lock, pylock.toml, Pipfile.lock), a requirements file, a pyproject.toml,
"group:NAME" or "extra:NAME" of such a file, or a requirement such as "Django~=5.2.0". Runs in the project's folder. The lock
files of Poetry, PDM and Pipenv are exported by these programs themselves, as requirements with hashes.
"""

import os
import subprocess
import sys
import tempfile

from uv_failure import reason

TOOLS = "/opt/exporters"
BUILD_FAILED = "The build backend returned an error"  # of uv
HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command, **options):
    """Runs a command; ends the program if it fails. Its own output says why."""
    code = subprocess.call(command, **options)
    if code:
        sys.exit(code)


def run_uv(*command, **options):
    """Runs uv; if it fails, its output ends with one line that says what to do."""
    code, said = attempt(*command, **options)
    if code:
        sys.exit(f"install: {reason(said)}")


def attempt(*command, **options):
    """The exit code of a command, and what it wrote to stderr, which is passed on."""
    done = subprocess.run(command, stderr=subprocess.PIPE, **options)
    sys.stderr.buffer.write(done.stderr)
    sys.stderr.flush()
    return done.returncode, done.stderr.decode("utf-8", "replace")


def sets(names, kind):
    """The names of groups or extras."""
    return [name.split(":", 1)[1] for name in names if name.startswith(kind + ":")]


def options(names, group, extra):
    """Options of a program for groups and extras."""
    found = [(group, name) for name in sets(names, "group")] + [(extra, name) for name in sets(names, "extra")]
    return [part for pair in found for part in pair]


def sync(lock, names):
    """Installs from uv.lock. The project itself is found by its path; setuptools, which is not in the lock, may stay."""
    # A .python-version may ask for another patch version than the image has.
    command = ["uv", "sync", "--python", sys.executable, "--frozen", "--inexact", "--no-install-project", "--no-default-groups"]
    run_uv(*command, *options(names, "--group", "--extra"), cwd=project_of(lock, names))


def project_of(lock, names):
    """In a workspace the lock file is above the project that is named with it."""
    manifests = [name for name in names if os.path.basename(name) == "pyproject.toml"]
    return os.path.dirname(manifests[0] if manifests else lock) or "."


def exported(program, lock, names):
    """The path of requirements with hashes that a program exports from its lock file."""
    pins = HERE + "/requirements-exporters.txt"
    run("uv", "pip", "install", "--quiet", "--require-hashes", "--target", TOOLS, "-r", pins)
    arguments = {
        "poetry": ["export", "--format=requirements.txt", *options(names, "--with", "--extras")],
        "pdm": ["export", "--format=requirements", "--prod", *options(names, "-G", "-G")],
        "pipenv": ["requirements", "--hash", *(["--dev"] if sets(names, "group") else [])],
    }[program]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        environment = {**os.environ, "PYTHONPATH": TOOLS, "POETRY_VIRTUALENVS_CREATE": "false", "PIPENV_VERBOSITY": "-1"}
        environment.pop("VIRTUAL_ENV")
        if not os.path.exists(lock):
            run(sys.executable, "-m", program, "lock", cwd=os.path.dirname(lock) or ".", env=environment)
        run(sys.executable, "-m", program, *arguments, cwd=os.path.dirname(lock) or ".", stdout=file, env=environment)
    return file.name


def is_poetrys(manifest):
    """Whether a pyproject.toml declares its packages in Poetry's own table alone. Python 3.8 has no parser for TOML."""
    with open(manifest, encoding="utf-8") as lines:
        tables = {line.split("]")[0].strip() for line in lines if line.startswith("[")}
    return "[tool.poetry.dependencies" in tables and "[project" not in tables


def install(files, requirements, names):
    """Installs files of any kind that `uv pip install` reads, and single requirements."""
    given = [part for file in files for part in ("-r", file)]
    # With several indexes, requirements files mean what they mean to pip: the best version of any of them.
    strategy = ["--index-strategy", "unsafe-best-match"] if any(map(is_list, files)) else []
    command = ["uv", "pip", "install", *strategy, *given, *options(names, "--group", "--extra"), *requirements]
    if sys.version_info >= (3, 9):
        return run_uv(*command)
    code, said = attempt(*command)
    if code and BUILD_FAILED not in said:
        sys.exit(f"install: {reason(said)}")
    if code:
        # Packages of that time name no build system, and some need a setuptools that has use_2to3: the one that is installed.
        print("install: once more with setuptools 57", flush=True)
        run_uv(*command, "--no-build-isolation")


def is_list(file):
    """Whether a file is one of requirements."""
    return file.endswith((".txt", ".in", ".pip"))


def main(names):
    files = [name for name in names if os.path.isfile(name)]
    single = [name for name in names if name not in files and not name.startswith(("group:", "extra:"))]
    base = os.path.basename(files[0]) if files else ""
    exporters = {"poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv"}
    if base == "pyproject.toml" and is_poetrys(files[0]):
        lock = os.path.join(os.path.dirname(files[0]), "poetry.lock")
        install([exported("poetry", lock, names), *files[1:]], single, [])
    elif base == "uv.lock":
        sync(files[0], names)
        if single:
            install([], single, [])
    elif base in exporters:
        install([exported(exporters[base], files[0], names), *files[1:]], single, [])
    else:
        install(files, single, names)


if __name__ == "__main__":
    main(sys.argv[1:])
