import json
import os
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

from django.test import RequestFactory, SimpleTestCase, override_settings

from checks import components, shared
from checks.components import CHECKS
from checks.runner import Check
from checks.shared import BUSY, NEW, PATIENCE, run_shared
from devops_001.tests.support import closed_port, everything_at


def fork(function):
    """Runs a function in a process of its own, with status 0 if it returns true. Returns the process's id.

    multiprocessing would not: tests that run in parallel are in processes that it allows no children.
    """
    process = os.fork()
    if process == 0:
        ok = False
        try:
            ok = function()
        finally:
            os._exit(0 if ok else 1)
    return process


class SharedTest(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name, "shared")
        self.replace("FOLDER", self.folder)
        self.runs = self.folder.with_name("runs")

    def replace(self, name, value):
        replaced = patch.object(shared, name, value)
        replaced.start()
        self.addCleanup(replaced.stop)

    def counted(self, seconds=0.0):
        """A check that notes each run in a file, which other processes can write to as well."""

        def run(request):
            with self.runs.open("a") as file:
                file.write("x")
            time.sleep(seconds)

        return Check("counted", "Counted", "", run)

    def count(self):
        return len(self.runs.read_text())

    def start_slow_run(self):
        """Starts a run that lasts until the test ends, and returns once it is in progress."""
        started, end = threading.Event(), threading.Event()

        def run(request):
            started.set()
            end.wait(60)

        check = Check("counted", "", "", run)
        thread = threading.Thread(target=run_shared, args=("x", [check], None, 60))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(end.set)
        started.wait(60)

    def be_patient(self):
        """For tests that a busy machine could delay by more than a second."""
        self.replace("NEW", 60)
        self.replace("PATIENCE", 60)

    def later(self, seconds):
        """Moves time forward."""
        then = shared.now() + seconds
        self.replace("now", lambda: then)

    def test_requests_at_once_run_the_checks_once(self):
        self.be_patient()
        check = self.counted(0.2)
        with ThreadPoolExecutor(12) as pool:
            results = list(pool.map(lambda _: run_shared("x", [check], None, 4), range(12)))
        self.assertEqual({result.ok for (result,) in results}, {True})
        self.assertEqual(self.count(), 1)

    def test_worker_processes_share_one_run(self):
        self.be_patient()
        check = self.counted(0.3)
        processes = [fork(lambda: run_shared("x", [check], None, 4)[0].ok) for _ in range(4)]
        self.assertEqual([os.waitpid(process, 0)[1] for process in processes], [0] * 4)
        self.assertEqual(self.count(), 1)

    def test_a_request_a_second_later_runs_the_checks_again(self):
        for seconds in (0, NEW):
            self.later(seconds)
            run_shared("x", [self.counted()], None, 1)
        self.assertEqual(self.count(), 2)

    def test_a_request_during_a_run_gets_the_previous_results_for_five_seconds_and_no_longer(self):
        run_shared("x", [self.counted()], None, 1)
        self.later(NEW)
        self.start_slow_run()
        for seconds, ok in ((4.9 - NEW, True), (0.1, False)):
            self.later(seconds)
            (result,) = run_shared("x", [self.counted()], None, 1)
            self.assertEqual((result.ok, result.reason), (ok, "" if ok else BUSY))

    def test_no_request_waits_long_for_a_slow_run(self):
        self.start_slow_run()
        started = time.monotonic()
        (result,) = run_shared("x", [self.counted()], None, 4)
        self.assertLess(time.monotonic() - started, PATIENCE + 3)
        self.assertEqual((result.ok, result.reason), (False, BUSY))
        # The next request knows that the run is a slow one.
        with patch.object(shared.time, "sleep", side_effect=AssertionError):
            (result,) = run_shared("x", [self.counted()], None, 4)
        self.assertEqual(result.reason, BUSY)

    def test_a_failure_is_shown_as_soon_as_it_is_new(self):
        """What was green a second ago may be red now."""
        with override_settings(**everything_at("127.0.0.1", closed_port())):
            redis = Check("redis", "Redis", "", components.redis)
            with patch.object(components, "connect"), patch.object(redis, "run"):
                self.assertTrue(run_shared("x", [redis], None, 3)[0].ok)
            self.later(NEW)
            (result,) = run_shared("x", [redis], None, 3)
        self.assertEqual((result.ok, result.reason), (False, "it refuses connections"))

    def test_the_lock_of_a_killed_process_is_free(self):
        check = self.counted(30)
        process = fork(lambda: run_shared("x", [check], None, 30)[0].ok)
        while not self.runs.exists():
            time.sleep(0.01)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        self.assertTrue(run_shared("x", [self.counted()], None, 1)[0].ok)

    def test_results_do_not_count_for_other_services(self):
        run_shared("x", [self.counted()], None, 1)
        with override_settings(**everything_at("127.0.0.1", closed_port())):
            run_shared("x", [self.counted()], None, 1)
        run_shared("y", [self.counted()], None, 1)
        self.assertEqual(self.count(), 3)

    def test_a_damaged_partial_or_future_result_does_not_count(self):
        run_shared("x", [self.counted()], None, 1)
        (file,) = self.folder.glob("*.json")
        future = json.dumps({**json.loads(file.read_text()), "began": shared.now() + 60})
        for text in ("", "[]", '{"began": 1', '{"began": "x"}', f'{{"began": {shared.now()}}}', future):
            with self.subTest(text):
                file.write_text(text)
                before = self.count()
                run_shared("x", [self.counted()], None, 1)
                self.assertEqual(self.count(), before + 1)

    def test_setting_the_clock_does_not_matter(self):
        self.be_patient()
        with patch("time.time", return_value=0.0):
            run_shared("x", [self.counted()], None, 1)
        run_shared("x", [self.counted()], None, 1)
        self.assertEqual(self.count(), 1)

    def test_a_folder_that_others_could_write_to_is_not_used(self):
        self.folder.mkdir(mode=0o700)
        for prepare in (lambda: self.folder.chmod(0o777), self.link, self.block):
            prepare()
            before = len(self.runs.read_text()) if self.runs.exists() else 0
            for _ in range(2):
                self.assertTrue(run_shared("x", [self.counted()], None, 1)[0].ok)
            self.assertEqual(self.count(), before + 2)

    def link(self):
        self.folder.rmdir()
        target = self.folder.with_name("target")
        target.mkdir(mode=0o700)
        self.folder.symlink_to(target)

    def block(self):
        self.folder.unlink()
        self.folder.write_text("")

    def test_nobody_else_can_read_the_results(self):
        run_shared("x", [self.counted()], None, 1)
        self.assertEqual(os.stat(self.folder).st_mode & 0o777, 0o700)

    def test_what_depends_on_the_request_is_not_shared(self):
        """nginx is green for a request through nginx, and at the same time red for one without."""
        self.be_patient()
        checks = [*CHECKS[:2], self.counted()]
        for headers, ok in (({"HTTP_USING_NGINX": "true"}, True), ({}, False)):
            results = run_shared("x", checks, RequestFactory().get("/checks/", **headers), 4)
            self.assertEqual([result.check.key for result in results], ["static", "nginx", "counted"])
            self.assertEqual(results[1].ok, ok)
        self.assertEqual(self.count(), 1)

    def test_every_check_that_opens_a_connection_is_shared(self):
        self.assertEqual([check.key for check in CHECKS if check.of_request], ["static", "nginx"])
