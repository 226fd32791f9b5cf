"""Helpers for tests that use the real services, and clear messages if one is missing."""

import contextlib
import logging
import socket
import threading

from django.conf import settings
from django.db import OperationalError
from django.test.runner import DiscoverRunner

from checks import components
from checks.reasons import in_words

# unittest omits frames of modules with this name from tracebacks.
__unittest = True

WHERE = {
    "PostgreSQL": "DATABASE_HOST:DATABASE_PORT",
    "Redis": "REDIS_HOST:REDIS_PORT",
    "Celery": "REDIS_HOST:REDIS_PORT, where a worker should listen",
    "Kafka": "KAFKA_HOST:KAFKA_PORT",
}


class Runner(DiscoverRunner):
    """Keeps log lines out of the tests' output, and reports a missing database in one line."""

    def setup_test_environment(self, **kwargs):
        super().setup_test_environment(**kwargs)
        for handler in logging.getLogger().handlers:
            handler.setLevel(logging.CRITICAL)

    def setup_databases(self, **kwargs):
        try:
            return super().setup_databases(**kwargs)
        except OperationalError as problem:
            raise SystemExit(missing("PostgreSQL", problem)) from None


def missing(component: str, problem: BaseException) -> str:
    """Returns the message for a missing component."""
    return f"{component} does not respond at {WHERE[component]} ({in_words(problem)})"


class Needs:
    """A test case that fails with one clear line if a service in `needs` is missing."""

    needs: tuple = ()

    def setUp(self):
        super().setUp()
        for component in self.needs:
            problem = absent(component)
            if problem:
                self.fail(problem)


_known: dict = {}


def absent(component: str) -> str:
    """Returns the message for a missing component, otherwise "". Checks each component once."""
    if component not in _known:
        try:
            getattr(components, component.lower())(None)
            _known[component] = ""
        except Exception as problem:
            _known[component] = missing(component, problem)
    return _known[component]


@contextlib.contextmanager
def silent_server():
    """A local port that accepts connections and never responds."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        held = []
        threading.Thread(target=_hold, args=(server, held), daemon=True).start()
        yield server.getsockname()[1]
        for client in held:
            client.close()


def _hold(server, held):
    with contextlib.suppress(OSError):
        while True:
            held.append(server.accept()[0])


def closed_port() -> int:
    """A local port that nothing listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def everything_at(host: str, port: int) -> dict:
    """Settings that point every component except PostgreSQL to this address."""
    return {
        "REDIS": {**settings.REDIS, "host": host, "port": port},
        "KAFKA_SERVER": f"{host}:{port}",
    }
