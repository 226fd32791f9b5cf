import threading
import time
from unittest import TestCase

from checks.reasons import UNKNOWN, Failed
from checks.runner import MOST_AT_ONCE, Check, run_all
from devops_001 import logs


def check(run, key="x"):
    return Check(key, key.title(), "", run)


def fails(problem):
    def run(request):
        raise problem

    return run


class RunAllTest(TestCase):
    def test_results_keep_the_order_of_the_checks(self):
        slow, quick = check(lambda _: time.sleep(0.1), "slow"), check(lambda _: None, "quick")
        results = run_all([slow, quick], None, 1)
        self.assertEqual(
            [(result.check.key, result.ok) for result in results], [("slow", True), ("quick", True)]
        )

    def test_checks_run_side_by_side(self):
        meet = threading.Barrier(3, timeout=2)
        results = run_all([check(lambda _: meet.wait(), key) for key in "abc"], None, 3)
        self.assertTrue(all(result.ok for result in results))

    def test_a_check_that_hangs_holds_up_neither_the_page_nor_the_others(self):
        release = threading.Event()
        self.addCleanup(release.set)
        started = time.monotonic()
        hanging, fine = run_all(
            [check(lambda _: release.wait(30), "hang"), check(lambda _: None, "ok")], None, 0.2
        )
        self.assertLess(time.monotonic() - started, 1)
        self.assertEqual((hanging.ok, hanging.reason, fine.ok), (False, "no response within 0.2 s", True))

    def test_hanging_checks_do_not_pile_up_without_end(self):
        release = threading.Event()
        self.addCleanup(release.set)
        hanging = check(lambda _: release.wait(30))
        for _ in range(MOST_AT_ONCE):
            run_all([hanging], None, 0.01)
        self.assertEqual(run_all([hanging], None, 1)[0].reason, "earlier checks of it are still waiting")

    def test_a_failure_gives_its_reason(self):
        with self.assertLogs("checks.runner", "WARNING"):
            self.assertEqual(run_all([check(fails(Failed("it sleeps")))], None, 1)[0].reason, "it sleeps")

    def test_only_a_failure_that_nothing_explains_is_logged_with_its_traceback(self):
        with self.assertLogs("checks.runner", "WARNING") as logged:
            results = run_all([check(fails(ValueError("x"))), check(fails(Failed("y")), "z")], None, 1)
        self.assertEqual(results[0].reason, UNKNOWN)
        self.assertEqual(sorted(bool(record.exc_info) for record in logged.records), [False, True])

    def test_a_check_knows_the_request_it_runs_for(self):
        token, seen = logs.request_id.set("r-7"), []
        self.addCleanup(logs.request_id.reset, token)
        run_all([check(lambda _: seen.append(logs.request_id.get()))], None, 1)
        self.assertEqual(seen, ["r-7"])
