"""Runs the tests of any Django project, with coverage and JUnit XML.

    run_tests.py [argument of the test runner...]

TEST_RUNNER is pytest or django (`manage.py test`), TEST_FOLDER the folder that it runs in, TEST_PARALLEL the number of processes
(1 by default, 0 for one for each processor). Writes junit.xml, coverage.xml and html/ to TEST_REPORTS. Without that variable it
measures no coverage, which is a sixth faster. Exits with 0 if at least one test ran, all passed, and the run came to its end.

The tests run in a process of their own, so that there is a report however they end.
"""

import importlib.util
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import traceback

from stackline_parallel import coverage_of, finish, processes
from stackline_supervisor import supervise

REPORTS = os.environ.get("TEST_REPORTS")
NO_TESTS = 5  # pytest's exit code


def run_manage(arguments):
    """Runs manage.py in this process, so that coverage measures imports as well. Returns the exit code."""
    sys.path.insert(0, os.getcwd())
    if processes() > 1:
        arguments = [f"--parallel={processes()}", *arguments]
    sys.argv = ["manage.py", "test", "--no-input", "--testrunner", "stackline_runner.Runner", *arguments]
    try:
        runpy.run_path("manage.py", run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def run_pytest(arguments):
    """Runs pytest in this process. Returns the exit code."""
    try:
        import pytest
    except ImportError:
        print("pytest is not installed: add pytest-django to the project's packages for tests", file=sys.stderr)
        return 1
    from stackline_pytest import Recorder

    if processes() > 1:
        if not importlib.util.find_spec("xdist"):
            print("pytest-xdist is not installed: add it to the project's packages for tests", file=sys.stderr)
            return 1
        arguments = ["-p", "stackline_worker", f"--numprocesses={processes()}", *arguments]
    sys.path.insert(0, os.getcwd())
    recorder = Recorder()
    code = int(pytest.main(arguments, plugins=[recorder]))
    if code in (0, NO_TESTS) and not recorder.found:
        print("no test was found", file=sys.stderr)
        return 1
    return code


run = run_pytest if os.environ.get("TEST_RUNNER") == "pytest" else run_manage


def run_measured(arguments, folder):
    """Runs the tests and writes the coverage reports. Returns the exit code."""
    import coverage

    with tempfile.TemporaryDirectory() as scratch:
        measured = coverage_of(scratch)
        measured.start()
        code = run(arguments)
        sys.stdout.flush()
        try:
            finish(measured)
            measured.xml_report(outfile=str(folder / "coverage.xml"))
            total = measured.html_report(directory=str(folder / "html"))
            print(f"coverage: {total:.0f} % of the lines; reports in {folder}")
        except coverage.CoverageException as problem:
            print(f"coverage: no report ({problem})")
    return code


# The other programs of the image; in this repository they are one folder up.
ABOVE = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = ABOVE / "docker" if (ABOVE / "docker/variables.py").exists() else ABOVE
# Where people set variables for tests.
CONFIGURATION = ("*.ini", ".*.ini", "pyproject.toml", "setup.cfg", "manage.py", "conftest.py", "*/conftest.py")


def drop_placeholders():
    """Removes the placeholders of variables that the project itself sets for its tests."""
    spec = importlib.util.spec_from_file_location("stackline_variables", PROGRAMS / "variables.py")
    variables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(variables)
    given = variables.placeholders(os.environ)
    files = [path for pattern in CONFIGURATION for path in pathlib.Path().glob(pattern)] if given else []
    texts = [path.read_text("utf-8", "replace") for path in files]
    for name, value in given.items():
        if os.environ.get(name) == value and any(name in text for text in texts):
            del os.environ[name]


def settings_fault():
    """Why the settings cannot be imported, in one line, or ""."""
    program = PROGRAMS / "placeholders.py"
    tried = subprocess.run([sys.executable, program], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    lines = tried.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if tried.returncode and lines else ""


def main(arguments):
    os.chdir(os.environ.get("TEST_FOLDER", "."))
    drop_placeholders()
    if not REPORTS:
        return supervise(lambda: run(arguments), explain=settings_fault)
    folder = pathlib.Path(REPORTS)
    folder.mkdir(parents=True, exist_ok=True)
    return supervise(lambda: run_measured(arguments, folder), folder / "junit.xml", settings_fault)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
