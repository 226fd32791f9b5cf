"""Verifies a running site of any Django project that has no /checks page. Runs in a container of the project's image.

    check_site.py URL [--host NAME] [--any-certificate]

URL is the site's address, such as http://nginx. NAME is the Host header (default: one that the project accepts). Prints a line
for each of its parts, `ok` or `FAIL` with the reason, and exits with 0 if all are ok.
"""

import argparse
import io
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

from check_page import FAILURES, OPENER, TIMEOUT, one_line, trust_any_certificate
from variables import placeholders

FACTS = pathlib.Path(__file__).with_name("django.json")
PING = 10  # seconds


class Problem(Exception):
    """Why a part is not as it should be."""


def allowed_host():
    """A host name that the project accepts."""
    from django.conf import settings

    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    return "localhost" if "localhost" in names or not names else names[0]


def request(site, path, host):
    """The status, the content type and, of a redirect, the target."""
    asked = urllib.request.Request(site + path, headers={"Host": host})  # noqa: S310 - the operator gives the URL
    try:
        response = OPENER.open(asked, timeout=TIMEOUT)
    except urllib.error.HTTPError as answer:
        response = answer
    except FAILURES as problem:
        raise Problem(f"{path} does not respond ({one_line(problem)})") from None
    return response.status, response.headers.get_content_type(), response.headers.get("Location", "")


def web(site, facts, host):
    """The project's health address, else its first page, which may be for those who are logged in, or none at all."""
    path = "/" + (facts["health"] or "")
    status, _, target = request(site, path, host)
    if status == 400:
        raise Problem(f"{path} answers 400 to the host {host}: name it in ALLOWED_HOSTS")
    if status >= 500 or (facts["health"] and status >= 400):
        raise Problem(f"{path} answers {status}: the log of the application has the reason")
    return f"{path} answers {status}" + (f", to {target}" if target else "")


def static_files(site, facts, host):
    path = facts["staticFile"]
    if not path:
        return "the project collects none"
    status, kind, target = request(site, path, host)
    if target.startswith("https://"):
        return f"{path} answers {status}, to {target}"
    if status != 200 or (path.endswith(".css") and kind != "text/css"):
        raise Problem(f"{path} arrives with status {status} as {kind}")
    return f"{path} arrives as {kind}"


def database(*_):
    """Whether all migrations are applied."""
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor == "sqlite":
        return "sqlite, a file in the container of the web server"
    said = io.StringIO()
    try:
        call_command("migrate", "--check", "--plan", stdout=said, no_input=True)
    except SystemExit:
        raise Problem(f"migrations are missing: {one_line(said.getvalue())[:300]}") from None
    except Exception as problem:
        raise Problem(one_line(problem)[:300]) from None
    return f"{connection.vendor}, all migrations are applied"


def worker(*_):
    from celery.app.utils import find_app

    try:
        answers = find_app(os.environ["STACKLINE_CELERY"]).control.ping(timeout=PING, limit=1)
    except Exception as problem:
        raise Problem(one_line(problem)[:300]) from None
    if not answers:
        raise Problem(f"no worker answered within {PING} s")
    return "answers"


def main():
    parser = argparse.ArgumentParser(description="Verify a running site.")
    parser.add_argument("url")
    parser.add_argument("--host")
    parser.add_argument("--any-certificate", action="store_true")
    options = parser.parse_args()
    if options.any_certificate:
        trust_any_certificate()
    sys.path.insert(0, os.getcwd())
    import django

    django.setup()
    facts, host = json.loads(FACTS.read_text()), options.host or allowed_host()
    parts = {"web": web, "static files": static_files, "database": database}
    if os.environ.get("STACKLINE_CELERY"):
        parts["worker"] = worker
    unset = [name for name, value in placeholders(os.environ).items() if os.environ.get(name) == value]
    if unset:
        print(f"note variables: placeholders stand for {', '.join(unset)} here: a deploy needs their values", flush=True)
    failed = False
    for name, check in parts.items():
        try:
            print(f"ok   {name}: {check(options.url.rstrip('/'), facts, host)}", flush=True)
        except Problem as problem:
            failed = True
            print(f"FAIL {name}: {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
