from datetime import timedelta
from unittest.mock import patch

from django.db import transaction
from django.test import TestCase, TransactionTestCase
from django.utils import timezone

from devops_001 import logs
from devops_001.celery import send_request_id, take_request_id
from orders import services, tasks
from orders.models import Order, OutboxEvent


def order(**fields):
    return Order(**{"product": "tea", "quantity": 2, "unit_price": "1.25", **fields})


def stored(**fields):
    made = order(**fields)
    made.save(force_insert=True)
    made.refresh_from_db()
    return made


class PlaceTest(TransactionTestCase):
    def test_an_order_that_is_rolled_back_is_announced_to_nobody(self):
        failing = self.assertRaises(RuntimeError)
        with patch("orders.queue.app.send_task") as send_task, failing, transaction.atomic():
            services.place(order())
            raise RuntimeError
        send_task.assert_not_called()
        self.assertFalse(Order.objects.exists())


class SettleTest(TestCase):
    def setUp(self):
        patched = patch("orders.queue.app.send_task")
        self.send_task = patched.start()
        self.addCleanup(patched.stop)

    def test_settling_stores_the_event_with_it_and_then_has_it_published(self):
        made = stored(request_id="r-3")
        with self.captureOnCommitCallbacks(execute=True):
            tasks.settle(str(made.pk))
        made.refresh_from_db()
        event = OutboxEvent.objects.get()
        self.assertEqual((made.status, event.order_id, event.request_id), ("settled", made.pk, "r-3"))
        self.assertEqual(event.payload["total"], "2.50")
        self.send_task.assert_called_once_with("orders.publish_events", ())

    def test_a_task_that_is_delivered_twice_settles_once(self):
        made = stored()
        self.assertEqual([services.settle_order(str(made.pk)) for _ in range(2)], [True, False])
        self.assertEqual(OutboxEvent.objects.count(), 1)

    def test_an_order_that_is_gone_is_no_failure(self):
        self.assertFalse(services.settle_order("00000000-0000-0000-0000-000000000000"))

    def test_beat_finds_orders_that_lost_their_task_and_leaves_the_fresh_ones(self):
        lost, fresh = stored(), stored()
        Order.objects.filter(pk=lost.pk).update(created_at=timezone.now() - timedelta(minutes=1))
        tasks.settle_placed()
        lost.refresh_from_db(), fresh.refresh_from_db()
        self.assertEqual((lost.status, fresh.status), ("settled", "placed"))


class RequestIdTest(TestCase):
    def test_it_travels_in_the_headers_of_a_task(self):
        headers = {}
        token = logs.request_id.set("r-9")
        send_request_id(headers=headers)
        logs.request_id.reset(token)
        task = tasks.settle
        task.push_request(**headers)
        self.addCleanup(task.pop_request)
        take_request_id(task=task)
        self.addCleanup(logs.request_id.set, "-")
        self.assertEqual(logs.request_id.get(), "r-9")
