import re
from html.parser import HTMLParser
from unittest.mock import patch

from django.test import SimpleTestCase

from checks import views
from checks.components import CHECKS
from checks.runner import Result

ORDER = ["Static files (CSS)", "nginx", "PostgreSQL", "Redis", "Celery", "Kafka"]


class Items(HTMLParser):
    """Collects the classes of the items of the page's only list, and every stylesheet."""

    def __init__(self, html):
        super().__init__()
        self.lists, self.classes, self.styles = 0, [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.lists += tag == "ol"
        if tag == "li":
            self.classes.append(given["class"].split())
        if tag == "link" and given["rel"] == "stylesheet":
            self.styles.append(given["href"])


class PageTest(SimpleTestCase):
    def page(self, failed=(), **headers):
        results = [
            Result(check, check.key not in failed, "it sleeps <b>" if check.key in failed else "", 3)
            for check in CHECKS
        ]
        with patch.object(views, "run_shared", return_value=results):
            return self.client.get("/checks/", **headers)

    def test_the_items_stand_in_the_order_of_the_set_up(self):
        html = self.page().content.decode()
        self.assertEqual(re.findall("<h2>(.*?)</h2>", html), ORDER)
        self.assertEqual(Items(html).lists, 1)

    def test_all_green_is_200(self):
        response = self.page()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(Items(response.content.decode()).classes, [["green"]] * 6)

    def test_one_failure_is_503_and_only_its_item_is_red(self):
        response = self.page(failed=["redis"])
        self.assertEqual(response.status_code, 503)
        self.assertEqual(
            Items(response.content.decode()).classes, [["green"]] * 3 + [["red"]] + [["green"]] * 2
        )

    def test_a_red_item_says_why_in_escaped_words(self):
        self.assertContains(self.page(failed=["kafka"]), "It sleeps &lt;b&gt;", status_code=503)

    def test_the_stylesheet_arrives_as_css_without_nginx(self):
        (href,) = Items(self.page().content.decode()).styles
        response = self.client.get(href)
        self.assertEqual(
            response.status_code, 200, f"{href} was not collected: manage.py collectstatic does it"
        )
        self.assertEqual(response["Content-Type"].split(";")[0], "text/css")
        self.assertIn(b"prefers-color-scheme", b"".join(response.streaming_content))

    def test_nothing_is_inline_and_nothing_comes_from_elsewhere(self):
        html = self.page(failed=["redis"]).content.decode()
        self.assertNotRegex(html, r"<script|<style|\sstyle=|\son\w+=|(href|src)=\"(https?:)?//")

    def test_json_for_who_asks_for_it(self):
        response = self.page(failed=["celery"], HTTP_ACCEPT="application/json")
        self.assertEqual((response.status_code, response["Vary"]), (503, "Accept"))
        answer = response.json()
        self.assertFalse(answer["ok"])
        self.assertEqual([item["name"] for item in answer["checks"]], ORDER)
        item = {"id": "celery", "name": "Celery", "ok": False, "reason": "it sleeps <b>", "ms": 3}
        self.assertEqual(answer["checks"][4], item)

    def test_html_for_a_browser_and_for_who_takes_anything(self):
        for accept in ("*/*", "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"):
            with self.subTest(accept):
                self.assertIn("text/html", self.page(HTTP_ACCEPT=accept)["Content-Type"])

    def test_it_is_never_cached(self):
        self.assertIn("no-store", self.page()["Cache-Control"])

    def test_the_address_without_a_slash_leads_to_it(self):
        self.assertRedirects(self.client.get("/checks"), "/checks/", 301, fetch_redirect_response=False)

    def test_it_answers_to_localhost_and_takes_no_post(self):
        self.assertEqual(self.page(HTTP_HOST="localhost").status_code, 200)
        self.assertEqual(self.client.post("/checks/").status_code, 405)
