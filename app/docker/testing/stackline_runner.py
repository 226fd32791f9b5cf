"""A Django test runner that writes JUnit XML, ends with a digest of what failed, and fails when there was no test.

It is the application's own TEST_RUNNER with these additions, where that is a DiscoverRunner, and Django's otherwise.
"""

import os
import sys

import xmlrunner
from django.conf import settings
from django.test.runner import DiscoverRunner
from django.utils.module_loading import import_string

REPORTS = os.environ.get("TEST_REPORTS", "/reports")
# So that the digest fits into the last 20 lines that a pipeline shows, with the runner's own closing lines.
DIGEST_TESTS, DIGEST_LINES = 5, 2


def application_runner():
    """The class that the application's settings name."""
    named = import_string(settings.TEST_RUNNER)
    return named if isinstance(named, type) and issubclass(named, DiscoverRunner) else DiscoverRunner


class JUnitTestRunner(xmlrunner.XMLTestRunner):
    """Prints as unittest does: without a headline of its own, and with the verbosity that was asked for."""

    def run(self, test):
        with open(os.path.join(REPORTS, "junit.xml"), "wb") as self.output:
            return super().run(test)


def reason(trace):
    """The last lines of a traceback that say something: the exception and its message."""
    lines = [line.rstrip() for line in str(trace).splitlines() if line.strip()]
    starts = [at for at, line in enumerate(lines) if not line.startswith((" ", "Traceback"))]
    return lines[starts[-1] :][:DIGEST_LINES] if starts else lines[-DIGEST_LINES:]


def digest(result):
    """Lines that say which tests failed, and why."""
    failed = [("FAIL", *entry) for entry in result.failures] + [("ERROR", *entry) for entry in result.errors]
    failed += [
        ("UNEXPECTED SUCCESS", test, "it is marked as an expected failure")
        for test in result.unexpectedSuccesses
    ]
    for kind, test, trace in failed[:DIGEST_TESTS]:
        name = getattr(test, "test_id", None) or getattr(test, "id", lambda: str(test))()
        yield "%s: %s" % (kind, name)
        yield from ("    " + line for line in reason(trace))
    if len(failed) > DIGEST_TESTS:
        yield "... and %d more, see above" % (len(failed) - DIGEST_TESTS)


class Runner(application_runner()):
    """See this file's head."""

    def run_suite(self, suite, **kwargs):
        runner = JUnitTestRunner(
            verbosity=self.verbosity, failfast=self.failfast, buffer=getattr(self, "buffer", False)
        )
        return runner.run(suite)

    def suite_result(self, suite, result, **kwargs):
        failures = super().suite_result(suite, result, **kwargs)
        if result.testsRun == 0 and not failures:
            print(
                "no test was found: a file named test*.py with a TestCase in it is looked for",
                file=sys.stderr,
            )
            return 1
        for line in digest(result):
            print(line, file=sys.stderr)
        return failures
