"""A Django test runner that records each result, ends with a summary of failures, and fails without any test.

Extends the application's TEST_RUNNER if that is a DiscoverRunner, otherwise Django's.
"""

import os
import re
import sys
import unittest

from django.conf import settings
from django.test.runner import DiscoverRunner
from django.utils.module_loading import import_string
from stackline_parallel import TimedEvents
from stackline_result import UNEXPECTED, Recording

# Limits the summary, so that it fits into the last 20 lines, which the pipeline shows.
DIGEST_REASONS, DIGEST_LINES, DIGEST_COLUMNS = 4, 2, 500


def application_runner():
    """The test runner class in the application's settings."""
    named = import_string(settings.TEST_RUNNER)
    return named if isinstance(named, type) and issubclass(named, DiscoverRunner) else DiscoverRunner


def reason(trace):
    """The error message of a traceback, and the location of its last frame in the application."""
    lines = [line.rstrip() for line in str(trace).splitlines() if line.strip()]
    frames = [at for at, line in enumerate(lines) if line.startswith("  File ")]
    said = [line[:DIGEST_COLUMNS] for line in lines[max(frames, default=-1) + 1 :] if not line.startswith(("    ", "Traceback"))]
    here = re.escape(os.getcwd())
    places = re.findall(rf'^  File "{here}/(.+?)", line (\d+)', str(trace), re.MULTILINE)
    return [*said[:DIGEST_LINES], *("at {}:{}".format(*found) for found in places[-1:])]


def name(test):
    """A test's full name, or that of a module that could not be imported."""
    return test.id().replace("unittest.loader._FailedTest.", "")


def digest(result):
    """Lines that name each reason for a failure once, with the tests that it made fail."""
    failed = [*result.failures, *result.errors, *((test, UNEXPECTED) for test in result.unexpectedSuccesses)]
    reasons = {}
    for test, trace in failed:
        reasons.setdefault("\n    ".join(reason(trace)), []).append(name(test))
    for why, tests in list(reasons.items())[:DIGEST_REASONS]:
        more = f" and {len(tests) - 1} more" if tests[1:] else ""
        yield f"FAILED {tests[0]}{more}:\n    {why}"
    if len(reasons) > DIGEST_REASONS:
        yield f"... and {len(reasons) - DIGEST_REASONS} more reasons, see above"


Base = application_runner()
Suite = Base.parallel_test_suite


# At the top of the module, because Django's processes import them by name.
class RemoteResult(Suite.runner_class.resultclass):
    """The result of tests in another process, with the seconds of each."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.events = TimedEvents()


class RemoteRunner(Suite.runner_class):
    resultclass = RemoteResult


class ParallelSuite(Suite):
    runner_class = RemoteRunner


class Runner(Base):
    """The runner that the module's docstring describes."""

    parallel_test_suite = ParallelSuite

    def get_resultclass(self):
        return type("Result", (Recording, super().get_resultclass() or unittest.TextTestResult), {})

    def suite_result(self, suite, result, **kwargs):
        failures = super().suite_result(suite, result, **kwargs)
        if result.testsRun == 0 and not failures:
            print(
                "no test was found: tests are TestCase classes in files named test*.py",
                file=sys.stderr,
            )
            return 1
        for line in digest(result):
            print(line, file=sys.stderr)
        return failures
