import json
import logging
from unittest import TestCase
from unittest.mock import patch

from devops_001 import logs


def line(message="hello", *args, exc_info=None, **extra):
    record = logging.LogRecord("test", logging.INFO, __file__, 1, message, args, exc_info)
    vars(record).update(extra)
    return logs.JsonFormatter().format(record)


class JsonFormatterTest(TestCase):
    def test_a_record_is_one_json_object_on_one_line(self):
        text = line("two\nlines and %s", "more")
        self.assertEqual(len(text.splitlines()), 1)
        self.assertEqual(json.loads(text)["message"], "two\nlines and more")

    def test_a_line_carries_the_request_it_belongs_to(self):
        token = logs.request_id.set("r-1")
        self.addCleanup(logs.request_id.reset, token)
        self.assertEqual(json.loads(line())["request_id"], "r-1")

    def test_extras_become_fields_even_when_json_does_not_know_them(self):
        fields = json.loads(line(order=7, what={1}.__class__))
        self.assertEqual((fields["order"], fields["what"]), (7, "<class 'set'>"))

    def test_a_traceback_stays_in_the_line(self):
        try:
            raise ValueError("wrong")
        except ValueError as problem:
            text = line(exc_info=(ValueError, problem, problem.__traceback__))
        self.assertEqual(len(text.splitlines()), 1)
        self.assertIn("ValueError: wrong", json.loads(text)["exception"])

    def test_confidential_values_do_not_appear_wherever_they_are(self):
        secret = "s3cr'et/ \"x"
        cases = {
            f"no route, {secret}": "no route, ***",
            f"x_{secret}y": "x_***y",
            "redis://:s3cr%27et%2F%20%22x@redis:6379": "redis://:***@redis:6379",
            f"{[secret]!r}": "['***']",
            json.dumps([secret]): '["***"]',
        }
        with patch.object(logs, "_confidential"):
            logs.hide(secret, "", None)
            for text, left in cases.items():
                with self.subTest(text):
                    self.assertEqual(json.loads(line(text))["message"], left)
                    self.assertEqual(json.loads(line(path=text))["path"], left)

    def test_names_and_short_values_are_hidden_as_whole_words_and_common_names_stay(self):
        with patch.object(logs, "_confidential"):
            logs.hide("abc", names=("db-1.internal", "shop", "redis", None))
            text = line("shop at db-1.internal, abc, redis, abcd, workshop")
        self.assertEqual(json.loads(text)["message"], "*** at ***, ***, redis, abcd, workshop")
