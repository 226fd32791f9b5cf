"""A pytest plugin that records each result, for the process that supervises this one."""

import time

from stackline_output import clip
from stackline_result import MESSAGE_KEPT, OUTPUT_KEPT, TRACE_KEPT, Journal


class Recorder:
    """Records what the reports of pytest's main process say, those of pytest-xdist's workers among them."""

    def __init__(self):
        self.journal, self.found, self.started = Journal(), 0, {}

    def pytest_runtest_logstart(self, nodeid, location):
        self.started[nodeid] = time.time()
        self.journal.record("started", **place(nodeid, location), started=self.started[nodeid])

    def pytest_runtest_logreport(self, report):
        outcome = judged(report)
        if outcome:
            self.found += report.when == "call" or report.outcome != "passed"
            self._add(report, outcome, report.duration)

    def pytest_runtest_logfinish(self, nodeid):
        self.started.pop(nodeid, None)
        self.journal.record("stopped")

    def pytest_collectreport(self, report):
        if report.failed:
            self._add(report, "error", 0)

    def pytest_sessionfinish(self):
        self.journal.record("finished")

    def _add(self, report, outcome, seconds):
        trace = str(report.longrepr or "")
        kind, message = summary(report, outcome, trace)
        self.journal.record(
            "ended",
            **place(report.nodeid, getattr(report, "location", None)),
            outcome=outcome,
            type=kind,
            message=clip(message, MESSAGE_KEPT),
            text=clip(trace, TRACE_KEPT) if outcome != "passed" else "",
            output=clip("".join(text for _, text in report.sections), OUTPUT_KEPT),
            started=self.started.get(report.nodeid, time.time()),
            seconds=seconds,
        )


def judged(report):
    """The outcome of a test; None for what says nothing about it: set-up, clean-up or a subtest that went well."""
    if report.failed:
        return "failure" if report.when == "call" else "error"
    if type(report).__name__.lower() == "subtestreport":
        return None
    if report.skipped:
        return "skipped"
    return "passed" if report.when == "call" else None


def summary(report, outcome, trace):
    """The type and the message of a result."""
    if outcome == "skipped":
        reason = getattr(report, "wasxfail", None) or (report.longrepr[2] if isinstance(report.longrepr, tuple) else trace)
        return "skip", str(reason)
    crash = getattr(report.longrepr, "reprcrash", None)
    said = crash.message if crash else (trace.strip().splitlines() or [""])[-1]
    return said.split(":")[0].split()[-1] if said else "", said


def place(nodeid, location):
    """Class, name, file and line of "orders/tests/test_totals.py::TestSum::test_zero[1]"."""
    file, *parts = nodeid.split("::")
    module = file[: -len(".py")] if file.endswith(".py") else file
    return {
        "class": ".".join([module.replace("/", "."), *parts[:-1]]),
        "name": parts[-1] if parts else "import",
        "file": file,
        "line": location[1] + 1 if location and location[1] is not None else None,
    }
