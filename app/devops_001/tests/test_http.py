import contextlib
import json
import logging
import re
import time
from unittest.mock import patch

from django.db import connections
from django.test import SimpleTestCase, TestCase, override_settings

from devops_001 import health
from devops_001.tests.support import Needs, closed_port, everything_at, silent_server


class RequestLogTest(SimpleTestCase):
    def test_the_request_id_is_taken_over(self):
        self.assertEqual(self.client.get("/healthz/live", HTTP_X_REQUEST_ID="a-1")["X-Request-ID"], "a-1")

    def test_an_id_that_could_forge_a_log_line_is_replaced(self):
        for bad in ("", 'a"b', "a b", "x" * 129):
            with self.subTest(bad):
                response = self.client.get("/healthz/live", HTTP_X_REQUEST_ID=bad)
                self.assertTrue(re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"]))

    def test_a_request_is_logged_once_with_its_status(self):
        with self.assertLogs("devops_001.request", "INFO") as logged:
            self.client.get("/nowhere")
        self.assertEqual([(entry.path, entry.status) for entry in logged.records], [("/nowhere", 404)])

    def test_a_health_check_that_passes_is_not_worth_a_line(self):
        with patch("devops_001.middleware.log.log") as log:
            self.client.get("/healthz/live")
        self.assertEqual(log.call_args[0][0], logging.DEBUG)

    def test_the_browser_is_told_to_load_from_here_alone(self):
        policy = self.client.get("/healthz/live")["Content-Security-Policy"]
        self.assertIn("default-src 'self'", policy)
        self.assertNotIn("unsafe", policy)


class LiveTest(SimpleTestCase):
    def test_it_touches_no_dependency(self):
        with patch.object(health, "run_shared", side_effect=AssertionError):
            self.assertEqual(self.client.get("/healthz/live").status_code, 200)


class ReadyTest(Needs, TestCase):
    needs = ("Redis",)

    def test_it_is_ready_when_database_and_broker_answer(self):
        response = self.client.get("/healthz/ready")
        self.assertEqual((response.status_code, response.json()["status"]), (200, "ok"))

    def test_it_is_not_ready_without_its_broker(self):
        with override_settings(**everything_at("127.0.0.1", closed_port())):
            response = self.client.get("/healthz/ready")
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.json()["broker"], "it refuses connections")
        self.assertEqual(response.json()["database"], "ok")

    def test_it_answers_in_time_when_both_keep_silent(self):
        with contextlib.ExitStack() as stack:
            port = stack.enter_context(silent_server())
            stack.enter_context(override_settings(**everything_at("127.0.0.1", port)))
            stack.enter_context(patch.dict(connections.settings["default"], HOST="127.0.0.1", PORT=port))
            started = time.monotonic()
            response = self.client.get("/healthz/ready")
        # Without the limit it would wait for ever; a loaded machine takes longer than the limit.
        self.assertLess(time.monotonic() - started, 5 * health.LIMIT)
        self.assertEqual(response.status_code, 503)
        self.assertNotIn("127.0.0.1", json.dumps(response.json()))
