"""Records the result of each test, for the process that supervises this one."""

import inspect
import json
import os
import re
import sys
import time
import unittest

from stackline_output import Ends, Tee, clip, joined

# Characters of each end of a test's output and of a traceback that the report keeps.
OUTPUT_KEPT, TRACE_KEPT, MESSAGE_KEPT = 16_384, 32_768, 1_000
# Characters of output and tracebacks in a whole report. After them only REST_KEPT of each end.
MOST_TEXT, REST_KEPT = 16 << 20, 200
UNEXPECTED = "marked as an expected failure, but passed"
# A fixture of a class or module: "setUpClass (package.module.Class)".
FIXTURE = re.compile(r"(\w+) \((.+)\)")


class Journal:
    """Records of the run, one JSON object for each line, for the process that supervises this one."""

    def __init__(self):
        self.file = int(os.environ["STACKLINE_JOURNAL"])
        self.owner = os.getpid()

    def record(self, kind, **fields):
        # A test may fork, and the other process may then return from the test, too.
        if os.getpid() == self.owner:
            os.write(self.file, (json.dumps({"kind": kind, **fields}) + "\n").encode())


class Recording:
    """Mixed into a unittest result: records every outcome with its class, file and time."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.journal = Journal()
        self.kept, self.room = Ends("", OUTPUT_KEPT), MOST_TEXT
        self._mark()

    def startTestRun(self):
        super().startTestRun()
        self.streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (Tee(stream, self.kept) for stream in self.streams)
        # With `buffer`, unittest restores these after each test.
        self._original_stdout, self._original_stderr = sys.stdout, sys.stderr

    def stopTestRun(self):
        sys.stdout, sys.stderr = self.streams
        super().stopTestRun()
        self.journal.record("finished")

    def startTest(self, test):
        self._mark()
        self.journal.record("started", **place(test), started=self.started)
        super().startTest(test)

    def took(self, _, seconds):
        """Of a test that ran in another process: its outcome comes next."""
        self.clock = time.perf_counter() - seconds
        self.started = time.time() - seconds

    def stopTest(self, test):
        super().stopTest(test)
        self.journal.record("stopped")
        self._mark()

    def addSuccess(self, test):
        super().addSuccess(test)
        self._add(test, "passed")

    def addError(self, test, err):
        super().addError(test, err)
        kind, message = described(err)
        # unittest wraps the traceback of a module that does not import in a message.
        summary = message.strip().splitlines()[-1:] if isinstance(test, unittest.loader._FailedTest) else []
        self._add(test, "error", kind, *(summary or [message]), self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._add(test, "failure", *described(err), self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            found = self.failures if is_failure else self.errors
            outcome = "failure" if is_failure else "error"
            self._add(test, outcome, *described(err), found[-1][1], subtest=subtest)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._add(test, "skipped", "skip", str(reason))

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._add(test, "skipped", "expected failure", described(err)[1], self.expectedFailures[-1][1])

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._add(test, "failure", "unexpected success", UNEXPECTED)

    def _mark(self):
        self.kept.clear()
        self.started, self.clock = time.time(), time.perf_counter()

    def _add(self, test, outcome, kind="", message="", text="", subtest=None):
        self.journal.record(
            "ended",
            **place(test, subtest),
            outcome=outcome,
            type=kind,
            message=clip(message, MESSAGE_KEPT),
            text=self._fit(clip(text, TRACE_KEPT)),
            output=self._fit(joined(self.kept)),
            started=self.started,
            seconds=time.perf_counter() - self.clock,
        )

    def _fit(self, text):
        self.room -= len(text)
        return text if self.room >= 0 else clip(text, REST_KEPT)


def described(err):
    """The type and the message of an exception, also of one that cannot be printed."""
    kind, value = err[:2]
    try:
        return kind.__name__, str(value)
    except Exception:
        return kind.__name__, "the exception has no readable message"


def place(test, subtest=None):
    """The class, name, file and line of a test, a fixture, or a module that does not import."""
    fixture = None if isinstance(test, unittest.TestCase) else FIXTURE.fullmatch(test.id())
    if fixture:
        name, owner = fixture.groups()
        return {"class": owner, "name": name, "file": source(owner), "line": None}
    cls, method = type(test), getattr(test, "_testMethodName", "")
    if cls.__module__ == "unittest.loader":
        return {"class": method, "name": "import", "file": source(method), "line": None}
    name = subtest.id()[len(test.id()) - len(method) :] if subtest else method or test.id()
    file = source(cls.__module__)
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "name": name,
        "file": file,
        "line": line_of(cls, method, file),
    }


def line_of(cls, method, file):
    """The line of a method that the class does not inherit from another file."""
    code = getattr(inspect.unwrap(getattr(cls, method, lambda: None)), "__code__", None)
    return code.co_firstlineno if code and os.path.relpath(code.co_filename) == file else None


def source(dotted):
    """The file in the application of a module, imported or not, or of the module of a class."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        base = "/".join(parts[:end])
        imported = getattr(sys.modules.get(".".join(parts[:end])), "__file__", None)
        for path in (imported, f"{base}.py", f"{base}/__init__.py"):
            if path and os.path.isfile(path):
                found = os.path.relpath(path)
                return "" if found.startswith("..") else found
    return ""
