"""Requests the /checks page of any application as a browser does, and reports the state of each component.

    check_page.py URL [--host NAME] [--tries N] [--html] [--any-certificate]

URL is the site's address, such as http://nginx. NAME is the Host header (default: localhost, because an
application without ALLOWED_HOSTS accepts no other). Prints six lines, `ok` or `FAIL` with the reason, and
exits with 0 if all six are ok. --tries looks again, at most N times in all (10 or fewer), until they are:
what has just started on a busy machine can take longer than the page waits. Of several looks, the one with
the fewest problems counts. --html prints the page instead.
--any-certificate accepts a certificate for another name.
"""

import argparse
import html.parser
import http.client
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

COMPONENTS = ["static files", "nginx", "PostgreSQL", "Redis", "Celery", "Kafka"]
# Seconds. The page takes up to 5 s if components are down.
TIMEOUT = 20
REDIRECTS = 5
# Seconds between two tries. The page shows results for at most 5 s.
PAUSE = 2
# What a request can raise: no connection, no HTTP, no address.
FAILURES = (OSError, http.client.HTTPException, ValueError)


class Page(html.parser.HTMLParser):
    """The items of the first ordered list, and the stylesheets."""

    def __init__(self, text):
        super().__init__()
        self.items, self.stylesheets = [], []
        self.lists, self.in_item = 0, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "ol":
            self.lists += 1
        elif tag == "li" and self.lists == 1:
            self.items.append({"classes": (attrs.get("class") or "").split(), "texts": []})
            self.in_item = True
        elif tag == "link" and "stylesheet" in (attrs.get("rel") or "").split():
            self.stylesheets.append(attrs.get("href") or "")

    def handle_endtag(self, tag):
        if tag == "ol" and self.lists == 1:
            self.lists += 1  # only the first list counts
        self.in_item = self.in_item and tag not in ("li", "ol")

    def handle_data(self, data):
        if self.in_item and data.strip():
            self.items[-1]["texts"].append(" ".join(data.split()))


class Stay(urllib.request.HTTPRedirectHandler):
    """Disables automatic redirects: they may lead to a host that is only reachable from outside."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))


def trust_any_certificate():
    context = ssl._create_unverified_context()  # noqa: S323 - on request of the operator
    OPENER.add_handler(urllib.request.HTTPSHandler(context=context))


def fetch(site, path, host):
    """Returns status, content type and text of a path after redirects, or raises one of FAILURES."""
    if not site.startswith(("http://", "https://")):
        raise ValueError("it is not an http address")
    for _ in range(REDIRECTS):
        path = urllib.parse.quote(path, safe="/%?&=+,;:@!$'()*~#")  # as browsers do
        headers = {"Host": host, "Accept": "text/html,*/*"}
        request = urllib.request.Request(site + path, headers=headers)  # noqa: S310 - the operator gives the URL
        try:
            response = OPENER.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as problem:  # a page with a red item has status 503
            response = problem
        location = response.headers.get("Location")
        if not location or not 300 <= response.status < 400:
            return (
                response.status,
                response.headers.get_content_type(),
                response.read().decode("utf-8", "replace"),
            )
        path = urllib.parse.urlsplit(urllib.parse.urljoin(site + path, location))._replace(scheme="", netloc="").geturl()
    raise OSError(f"more than {REDIRECTS} redirects")


def stylesheet_problem(site, page, host):
    """The problem with the page's stylesheets, or None."""
    if not page.stylesheets:
        return "the page has no link to a stylesheet"
    for href in page.stylesheets:
        try:
            address = urllib.parse.urlsplit(urllib.parse.urljoin("/checks/", href.strip()))
            if address.scheme not in ("", "http", "https"):
                return f"{href} is not an http address"
            if address.netloc not in ("", host):
                return f"{href} is on another host"
            status, content_type, _ = fetch(site, address._replace(scheme="", netloc="").geturl(), host)
        except FAILURES as problem:
            return f"{href} cannot be requested ({one_line(problem)})"
        if status != 200 or content_type != "text/css":
            return f"{href} arrives with status {status} as {content_type}, not as text/css"
    return None


def one_line(problem):
    return " ".join(str(problem).split())


def reason(name, texts):
    """What a red item says, without its heading."""
    own = texts[1:] if texts and texts[0].lower().startswith(name.lower()) else texts
    return " ".join(own) or "its item is not green, and gives no reason"


def verdicts(site, host, status, text):
    """Yields each component's name and its problem, or None."""
    page = Page(text)
    for at, name in enumerate(COMPONENTS):
        if at >= len(page.items):
            yield name, f"/checks has no item for it (status {status}, {len(page.items)} items)"
            continue
        item = page.items[at]
        problem = None if "green" in item["classes"] else reason(name, item["texts"])
        if at == 0 and not problem:
            problem = stylesheet_problem(site, page, host)
        yield name, problem
    if len(page.items) > len(COMPONENTS):
        yield "page", f"/checks has {len(page.items)} items, not {len(COMPONENTS)}"


def looks(site, host, tries):
    """Yields what `look` returns: once, or until no component has a problem, but at most `tries` times."""
    for left in reversed(range(tries)):
        text, results = look(site, host)
        yield text, results
        if not left or not problems(results):
            return
        time.sleep(PAUSE)


def problems(results):
    return sum(1 for _, problem in results if problem)


def look(site, host):
    """Returns the page's text, and a list of each component's name and its problem, or None."""
    try:
        status, _, text = fetch(site, "/checks", host)
        return text, list(verdicts(site, host, status, text))
    except FAILURES as problem:
        return "", [(name, f"{site} does not respond ({one_line(problem)})") for name in COMPONENTS]


def main():
    parser = argparse.ArgumentParser(description="Report the state of each component on /checks.")
    parser.add_argument("url")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--tries", type=int, default=1, choices=range(1, 11), metavar="N")
    parser.add_argument("--html", action="store_true")
    parser.add_argument("--any-certificate", action="store_true")
    options = parser.parse_args()
    if options.any_certificate:
        trust_any_certificate()
    site = options.url.rstrip("/")
    text, results = min(looks(site, options.host, options.tries), key=lambda seen: problems(seen[1]))
    if options.html:
        print(text)
    else:
        for name, problem in results:
            print(f"FAIL {name}: {problem}" if problem else f"ok   {name}")
    return 1 if problems(results) else 0


if __name__ == "__main__":
    sys.exit(main())
