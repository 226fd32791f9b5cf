"""Runs `manage.py test` of any application, with coverage and JUnit XML.

    run_tests.py [argument of manage.py test...]

Writes junit.xml, coverage.xml and html/ to TEST_REPORTS. Without that variable it measures no coverage, which
is a sixth faster. Exits with 0 if at least one test ran, all passed, and the run came to its end.

The tests run in a process of their own, so that there is a report however they end.
"""

import os
import pathlib
import runpy
import sys
import traceback

from stackline_supervisor import supervise

REPORTS = os.environ.get("TEST_REPORTS")
# Excluded from coverage: the tests themselves and code that Django generates.
OMIT = ["manage.py", "*/tests/*", "*/tests.py", "*/test_*.py", "*/migrations/*"]


def run_manage(arguments):
    """Runs manage.py in this process, so that coverage measures imports as well. Returns the exit code."""
    sys.path.insert(0, os.getcwd())
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


def run_measured(arguments, folder):
    """Runs manage.py and writes the coverage reports. Returns the exit code."""
    import coverage

    measured = coverage.Coverage(source=["."], omit=OMIT, data_file=None)
    measured.start()
    code = run_manage(arguments)
    measured.stop()
    sys.stdout.flush()
    try:
        measured.xml_report(outfile=str(folder / "coverage.xml"))
        total = measured.html_report(directory=str(folder / "html"))
        print(f"coverage: {total:.0f} % of the lines; reports in {folder}")
    except coverage.CoverageException as problem:
        print(f"coverage: no report ({problem})")
    return code


def main(arguments):
    if not REPORTS:
        return supervise(lambda: run_manage(arguments))
    folder = pathlib.Path(REPORTS)
    folder.mkdir(parents=True, exist_ok=True)
    return supervise(lambda: run_measured(arguments, folder), folder / "junit.xml")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
