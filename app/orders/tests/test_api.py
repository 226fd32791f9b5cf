import json
from unittest.mock import patch

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from orders.models import Order

TOKEN = "t0ken"
GOOD = {"product": "tea", "quantity": 3, "unit_price": "2.50"}


@override_settings(API_TOKEN=TOKEN)
class ApiTest(TestCase):
    def setUp(self):
        # A running worker uses another database: the tests must not send it tasks.
        patched = patch("orders.queue.app.send_task")
        self.send_task = patched.start()
        self.addCleanup(patched.stop)

    def post(self, body, token=TOKEN, **more):
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(
                "/orders/",
                body if isinstance(body, (str, bytes)) else json.dumps(body),
                content_type=more.pop("content_type", "application/json"),
                HTTP_AUTHORIZATION=f"Bearer {token}",
                **more,
            )

    def test_placing_an_order_stores_it_and_asks_a_worker_to_settle_it(self):
        response = self.post(GOOD, HTTP_X_REQUEST_ID="r-1")
        order = Order.objects.get()
        self.assertEqual((response.status_code, response["Location"]), (201, f"/orders/{order.pk}/"))
        self.assertEqual((response.json()["total"], response.json()["status"]), ("7.50", "placed"))
        self.assertEqual(order.request_id, "r-1")
        self.send_task.assert_called_once_with("orders.settle", (str(order.pk),))

    def test_a_broker_that_is_away_does_not_fail_the_order(self):
        self.send_task.side_effect = ConnectionError
        with self.assertLogs(level="ERROR"):
            self.assertEqual(self.post(GOOD).status_code, 201)

    def test_wrong_fields_are_named_and_nothing_is_stored(self):
        response = self.post({"product": "", "quantity": 0, "unit_price": "0"})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(set(response.json()["errors"]), {"product", "quantity", "unit_price"})
        self.assertFalse(Order.objects.exists())

    def test_a_body_that_is_no_json_object_is_refused(self):
        for body in ("{", "[1]", b"\xff", " "):
            with self.subTest(body):
                self.assertEqual(self.post(body).status_code, 400)

    def test_a_form_is_refused(self):
        self.assertEqual(self.post("product=tea", content_type="text/plain").status_code, 415)

    def test_strangers_are_turned_away(self):
        self.assertEqual(self.post(GOOD, token="x").status_code, 401)
        self.assertEqual(self.client.get("/orders/").status_code, 401)
        self.assertFalse(Order.objects.exists())

    def test_without_a_configured_token_none_is_accepted(self):
        with override_settings(API_TOKEN=None):
            for token in ("", "None"):
                self.assertEqual(self.post(GOOD, token=token).status_code, 401)

    def test_staff_may_list_and_look_but_other_users_may_not(self):
        order = Order.objects.create(**GOOD)
        self.client.force_login(User.objects.create_user("clerk", is_staff=True))
        self.assertEqual([o["id"] for o in self.client.get("/orders/").json()["orders"]], [str(order.pk)])
        self.assertEqual(self.client.get(f"/orders/{order.pk}/").json()["product"], "tea")
        self.assertEqual(self.client.get(f"/orders/{'0' * 8}-0000-0000-0000-{'0' * 12}/").status_code, 404)
        self.client.force_login(User.objects.create_user("guest"))
        self.assertEqual(self.client.get("/orders/").status_code, 401)


class AdminTest(TestCase):
    def setUp(self):
        self.client.force_login(User.objects.create_superuser("root"))

    def test_its_lists_open(self):
        Order.objects.create(**GOOD)
        for model in ("order", "outboxevent", "receipt"):
            with self.subTest(model):
                self.assertEqual(self.client.get(f"/admin/orders/{model}/").status_code, 200)

    def test_an_order_placed_in_it_is_settled_like_any_other(self):
        with patch("orders.queue.app.send_task") as send_task, self.captureOnCommitCallbacks(execute=True):
            self.client.post("/admin/orders/order/add/", GOOD)
        send_task.assert_called_once_with("orders.settle", (str(Order.objects.get().pk),))

    def test_events_cannot_be_written_by_hand(self):
        self.assertEqual(self.client.get("/admin/orders/outboxevent/add/").status_code, 403)
