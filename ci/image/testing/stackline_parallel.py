"""Tests that run side by side in several processes: how many, how long each test took, and the coverage of all of them."""

import os
import pathlib
import time

# Coverage's own name for the configuration of further processes.
CONFIGURATION = "COVERAGE_PROCESS_START"
# Excluded from coverage: the tests themselves and code that Django generates.
OMIT = ["manage.py", "*/tests/*", "*/tests.py", "*/test_*.py", "*/migrations/*"]


def processes():
    """How many processes run tests: TEST_PARALLEL, of which 0 means one for each processor."""
    return int(os.environ.get("TEST_PARALLEL") or 1) or len(os.sched_getaffinity(0))


def coverage_of(scratch):
    """A measurement of this process and of those that it starts, which write their data to the folder `scratch`."""
    import coverage

    if processes() == 1:
        return coverage.Coverage(source=["."], omit=OMIT, data_file=None)
    file = pathlib.Path(scratch, "coveragerc")
    settings = {
        "source": os.getcwd(),
        "omit": ",".join(OMIT),
        "data_file": str(pathlib.Path(scratch, "data")),
        "concurrency": "thread,multiprocessing",
        "parallel": "true",
        # Django's runner ends the processes of its pool.
        "sigterm": "true",
    }
    file.write_text("[run]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()), "utf-8")
    os.environ[CONFIGURATION] = str(file)
    return coverage.Coverage(config_file=str(file))


def finish(measured):
    """Ends a measurement, and adds what the other processes wrote."""
    measured.stop()
    if processes() > 1:
        measured.save()
        measured.combine()


class TimedEvents(list):
    """What a process reports of its tests to Django's runner, with the seconds before each outcome."""

    started = 0.0

    def append(self, event):
        if event[0] == "startTest":
            self.started = time.perf_counter()
        elif event[0].startswith("add"):
            super().append(("took", event[1], time.perf_counter() - self.started))
        super().append(event)
