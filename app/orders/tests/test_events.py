"""Events from the outbox through a real Kafka to receipts. Every test has its own topic."""

import uuid
from io import StringIO
from unittest.mock import patch

from confluent_kafka import KafkaException
from django.core.management import call_command
from django.db import OperationalError
from django.test import TestCase, override_settings

from devops_001.tests.support import Needs, closed_port, everything_at
from orders import consumer, outbox, services, tasks
from orders.models import OutboxEvent, Receipt
from orders.tests.test_settling import stored


class EventsTest(Needs, TestCase):
    needs = ("Kafka",)

    def setUp(self):
        super().setUp()
        topic = override_settings(ORDERS_TOPIC=f"test.{uuid.uuid4().hex}")
        topic.enable()
        self.addCleanup(topic.disable)
        outbox.producer.cache_clear()
        self.addCleanup(outbox.producer.cache_clear)

    def settled(self, count=1):
        with patch("orders.queue.app.send_task"):
            for _ in range(count):
                services.settle_order(str(stored(request_id="r-5").pk))

    def consume(self, idle=60, **options):
        """Consumes with a time limit, so that a missing event cannot hang the test."""
        out = StringIO()
        call_command("consume_orders", group=uuid.uuid4().hex, stdout=out, idle=idle, **options)
        return out.getvalue()

    def test_every_settled_order_ends_in_one_receipt(self):
        self.settled(3)
        tasks.publish_events()
        self.assertEqual(self.consume(limit=3), "3 events handled\n")
        self.assertEqual(Receipt.objects.filter(total="2.50", request_id="r-5").count(), 3)
        self.assertFalse(OutboxEvent.objects.filter(published_at=None).exists())

    def test_an_event_that_is_published_twice_makes_one_receipt(self):
        self.settled()
        tasks.publish_events()
        OutboxEvent.objects.update(published_at=None)
        tasks.publish_events()
        self.assertEqual(self.consume(limit=2), "2 events handled\n")
        self.assertEqual(Receipt.objects.count(), 1)

    def test_more_events_than_a_batch_are_all_published(self):
        self.settled(5)
        with patch.object(outbox, "BATCH", 2):
            tasks.publish_events()
        self.assertFalse(OutboxEvent.objects.filter(published_at=None).exists())

    def test_one_process_publishes_at_a_time(self):
        self.settled()
        with patch.object(outbox, "alone", return_value=False):
            self.assertEqual(outbox.publish_batch(), 0)
        self.assertTrue(OutboxEvent.objects.filter(published_at=None).exists())

    def test_an_event_waits_while_kafka_is_away_and_goes_out_afterwards(self):
        self.settled()
        with override_settings(**everything_at("127.0.0.1", closed_port())), patch.object(
            outbox, "TIMEOUT", 1.0
        ), self.assertRaises(KafkaException):
            outbox.publish_batch()
        self.assertTrue(OutboxEvent.objects.filter(published_at=None).exists())
        self.assertEqual(outbox.publish_batch(), 1)

    def test_the_consumer_ends_when_nothing_comes(self):
        self.assertEqual(self.consume(idle=0.5), "0 events handled\n")


class UnacknowledgedTest(TestCase):
    def test_an_event_that_the_broker_does_not_acknowledge_stays_in_the_outbox(self):
        with patch("orders.queue.app.send_task"):
            services.settle_order(str(stored().pk))
        with patch.object(outbox, "producer") as producer, self.assertLogs("orders.outbox", "WARNING"):
            producer.return_value.produce.side_effect = lambda *a, on_delivery, **k: on_delivery(
                "error", None
            )
            self.assertEqual(outbox.publish_batch(), 0)
        self.assertTrue(OutboxEvent.objects.filter(published_at=None).exists())


class HandleEventTest(TestCase):
    HEADERS = {"kind": b"order.settled", "event_id": str(uuid.UUID(int=1)).encode(), "request_id": b"r-8"}
    VALUE = b'{"order": "00000000-0000-0000-0000-000000000002", "total": "9.90"}'

    def test_a_receipt_names_the_request_that_placed_the_order(self):
        consumer.handle_event(self.HEADERS, self.VALUE)
        self.assertEqual(Receipt.objects.get().request_id, "r-8")

    def test_a_malformed_event_is_logged_and_stops_nothing(self):
        bad = self.VALUE.replace(b"9.90", b"y"), self.VALUE.replace(b"000", b"x")
        for value in (b"{", b"[]", b"{}", *bad, None):
            with self.subTest(value), self.assertLogs("orders.consumer", "ERROR"):
                consumer.handle_event(self.HEADERS, value)
        self.assertFalse(Receipt.objects.exists())

    def test_an_event_of_another_kind_is_left(self):
        consumer.handle_event({"kind": b"order.shipped"}, self.VALUE)
        self.assertFalse(Receipt.objects.exists())

    def test_an_event_waits_for_a_database_that_is_away(self):
        class Message:
            headers, value = staticmethod(list), staticmethod(lambda: b"")

        reader = consumer.OrderConsumer.__new__(consumer.OrderConsumer)
        reader.running = True
        quick = patch.multiple(consumer, RETRY=0, close_old_connections=lambda: None)
        with quick, patch.object(consumer, "handle_event", side_effect=[OperationalError, None]) as handled:
            self.assertTrue(reader.handle(Message))
        self.assertEqual(handled.call_count, 2)
