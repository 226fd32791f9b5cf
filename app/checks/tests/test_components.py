"""The six components, for real."""

import time
from unittest.mock import patch

from confluent_kafka import OFFSET_END, TopicPartition
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.db import connections
from django.test import RequestFactory, SimpleTestCase, TestCase, override_settings

from checks import components, tasks
from checks.components import CHECKS
from checks.reasons import Failed, in_words
from checks.runner import run_all
from checks.views import LIMIT
from devops_001.tests.support import Needs, closed_port, everything_at, silent_server

request = RequestFactory().get("/checks/")


def reason(check):
    """Runs a check that has to fail, and returns its reason."""
    try:
        check(request)
    except Exception as problem:
        return in_words(problem)
    raise AssertionError("the check passed")


class StaticTest(SimpleTestCase):
    def test_it_passes_when_the_stylesheet_was_collected(self):
        components.static(request)

    def test_it_finds_the_stylesheet_among_the_sources_in_development(self):
        with patch.object(components, "staticfiles_storage", StaticFilesStorage()):
            components.static(request)

    def test_it_fails_when_the_stylesheet_was_not_collected(self):
        with patch.object(components, "STYLESHEET", "checks/absent.css"):
            self.assertEqual(reason(components.static), "the stylesheet was not collected")


class NginxTest(SimpleTestCase):
    def test_it_passes_with_the_header_that_nginx_sets(self):
        components.nginx(RequestFactory().get("/", HTTP_USING_NGINX="true"))

    def test_it_fails_without_that_header_or_with_another_value(self):
        for headers in ({}, {"HTTP_USING_NGINX": "false"}):
            with self.subTest(headers), self.assertRaises(Failed):
                components.nginx(RequestFactory().get("/", **headers))


class PostgresqlTest(TestCase):
    def test_a_query_comes_back(self):
        (result,) = run_all([CHECKS[2]], request, 4)
        self.assertTrue(result.ok, result.reason)

    def test_it_fails_when_nothing_listens(self):
        with patch.dict(connections.settings["default"], HOST="127.0.0.1", PORT=closed_port()):
            (result,) = run_all([CHECKS[2]], request, 4)
        self.assertEqual(result.reason, "it refuses connections")

    def test_it_fails_with_a_wrong_password_without_showing_it(self):
        with patch.dict(connections.settings["default"], PASSWORD="canary"):
            (result,) = run_all([CHECKS[2]], request, 4)
        self.assertEqual(result.reason, "it does not accept the credentials")


class RedisTest(Needs, SimpleTestCase):
    needs = ("Redis",)

    def test_a_value_is_written_and_read_back(self):
        components.redis(request)

    def test_it_fails_when_nothing_listens(self):
        with override_settings(**everything_at("127.0.0.1", closed_port())):
            self.assertEqual(reason(components.redis), "it refuses connections")

    def test_it_fails_when_the_value_is_another(self):
        with patch("redis.Redis.get", return_value="other"), self.assertRaisesMessage(
            Failed, "another value"
        ):
            components.redis(request)


class CeleryTest(Needs, SimpleTestCase):
    needs = ("Redis", "Celery")

    def test_a_worker_runs_the_task_and_answers(self):
        components.celery(request)

    def test_the_answer_expires_by_itself(self):
        tasks.echo("canary-token")
        client = components.connect(1)
        self.addCleanup(client.close)
        self.assertTrue(0 < client.ttl(tasks.reply_key("canary-token")) <= tasks.REPLY_TTL)

    def test_it_fails_when_no_worker_takes_the_task(self):
        with patch.object(components, "WORKER", 0.3), patch.object(components.echo, "apply_async"):
            self.assertEqual(reason(components.celery), "no worker ran the task in time")


class KafkaTest(Needs, SimpleTestCase):
    needs = ("Kafka",)

    def test_a_message_is_acknowledged_and_read_back(self):
        components.kafka(request)

    def test_it_fails_when_nothing_listens(self):
        away = override_settings(**everything_at("127.0.0.1", closed_port()))
        with away, patch.object(components, "STEP", 1.0):
            self.assertEqual(reason(components.kafka), "it refuses connections")

    def test_it_fails_when_the_message_cannot_be_read_back(self):
        components.kafka(request)  # the topic is there from here on
        nothing = TopicPartition(components.TOPIC, 0, OFFSET_END)
        sent = patch.multiple(components, acknowledged=lambda *_: nothing, STEP=0.2)
        with sent, patch("checks.components.kafka_client.ensure_topic"):
            self.assertIn("could not be read back", reason(components.kafka))


class AllDownTest(TestCase):
    def all_down(self, host, port):
        database = patch.dict(connections.settings["default"], HOST=host, PORT=port)
        connection = components.app.connection_for_write(f"redis://{host}:{port}/0")
        broker = patch.object(components.app, "connection_for_write", return_value=connection)
        with database, broker, override_settings(**everything_at(host, port)):
            started = time.monotonic()
            results = run_all(CHECKS, request, LIMIT)
            return results, time.monotonic() - started

    def test_the_page_comes_in_time_when_every_host_keeps_silent(self):
        with silent_server() as port:
            results, seconds = self.all_down("127.0.0.1", port)
        self.assertLess(seconds, 5)
        self.assertEqual([result.ok for result in results[2:]], [False] * 4)

    def test_the_page_comes_in_time_when_no_name_can_be_resolved(self):
        results, seconds = self.all_down("canary.invalid", 5432)
        self.assertLess(seconds, 5)
        self.assertEqual({result.reason for result in results[2:]}, {"its name cannot be resolved"})
