"""A Django test runner that writes JUnit XML, ends with a summary of failures, and fails without any test.

Extends the application's TEST_RUNNER if that is a DiscoverRunner, otherwise Django's.
"""

import io
import os
import re
import sys

import xmlrunner
from django.conf import settings
from django.test.runner import DiscoverRunner
from django.utils.module_loading import import_string

REPORTS = os.environ.get("TEST_REPORTS")
# Limits the summary, so that it fits into the last 20 lines, which the pipeline shows.
DIGEST_REASONS, DIGEST_LINES = 4, 2


def application_runner():
    """The test runner class in the application's settings."""
    named = import_string(settings.TEST_RUNNER)
    return named if isinstance(named, type) and issubclass(named, DiscoverRunner) else DiscoverRunner


class JUnitTestRunner(xmlrunner.XMLTestRunner):
    """Prints as unittest does: no headline, and with the requested verbosity."""

    def run(self, test):
        if not REPORTS:
            self.output = io.BytesIO()
            return super().run(test)
        with open(os.path.join(REPORTS, "junit.xml"), "wb") as self.output:
            return super().run(test)


def reason(trace):
    """The error message of a traceback, and the location of its last frame in the application."""
    lines = [line.rstrip() for line in str(trace).splitlines() if line.strip()]
    frames = [at for at, line in enumerate(lines) if line.startswith("  File ")]
    said = [
        line for line in lines[max(frames, default=-1) + 1 :] if not line.startswith(("    ", "Traceback"))
    ]
    here = re.escape(os.getcwd())
    places = re.findall(rf'^  File "{here}/(.+?)", line (\d+)', str(trace), re.MULTILINE)
    return [*said[:DIGEST_LINES], *("at {}:{}".format(*place) for place in places[-1:])]


def name(test):
    """A test's full name, or that of a module that could not be imported."""
    full = getattr(test, "test_id", None) or (test.id() if hasattr(test, "id") else str(test))
    return full.replace("unittest.loader._FailedTest.", "")


def digest(result):
    """Lines that name each reason for a failure once, with the tests that it made fail."""
    failed = [*result.failures, *result.errors]
    failed += [(test, "marked as an expected failure, but passed") for test in result.unexpectedSuccesses]
    reasons = {}
    for test, trace in failed:
        reasons.setdefault("\n    ".join(reason(trace)), []).append(name(test))
    for why, tests in list(reasons.items())[:DIGEST_REASONS]:
        more = f" and {len(tests) - 1} more" if tests[1:] else ""
        yield f"FAILED {tests[0]}{more}:\n    {why}"
    if len(reasons) > DIGEST_REASONS:
        yield f"... and {len(reasons) - DIGEST_REASONS} more reasons, see above"


class Runner(application_runner()):
    """The runner that the module's docstring describes."""

    def run_suite(self, suite, **kwargs):
        runner = JUnitTestRunner(
            verbosity=self.verbosity, failfast=self.failfast, buffer=getattr(self, "buffer", False)
        )
        return runner.run(suite)

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
