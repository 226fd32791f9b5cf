"""A pytest plugin that measures the coverage of a process that pytest-xdist has started."""

import os

if os.environ.get("PYTEST_XDIST_WORKER") and os.environ.get("COVERAGE_PROCESS_START"):
    import coverage

    coverage.process_startup()

    def pytest_sessionfinish():
        """The process ends without Python's own clean-up."""
        measured = coverage.Coverage.current()
        measured.stop()
        measured.save()
