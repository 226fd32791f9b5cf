"""Consumes order events and writes receipts."""

import contextlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Optional

from confluent_kafka import KafkaError
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, close_old_connections

from devops_001 import kafka, logs
from orders import services

log = logging.getLogger(__name__)

RUN_DIR = Path(os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline"))
POLL = 1.0  # seconds
RETRY = 2.0  # seconds between attempts to reach the database


def warn(error) -> None:
    """Logs that the brokers are unavailable. librdkafka reconnects by itself."""
    if error.code() == KafkaError._ALL_BROKERS_DOWN:
        log.warning("Kafka is unavailable, events are waiting")


class OrderConsumer:
    """One member of the consumer group. stop() ends run() after the current message."""

    def __init__(self, group: str = "orders") -> None:
        self.running = True
        self.reader = kafka.consumer(
            group,
            auto_offset_reset="earliest",
            session_timeout_ms=15000,
            allow_auto_create_topics=True,
            error_cb=warn,
        )

    def stop(self, *_) -> None:
        self.running = False

    @staticmethod
    def alive() -> None:
        """Touches the heartbeat file for the image's health check, if its folder is writable."""
        with contextlib.suppress(OSError):
            RUN_DIR.mkdir(exist_ok=True)
            (RUN_DIR / "consumer").touch()

    def run(self, idle: Optional[float] = None, limit: Optional[int] = None) -> int:
        """Handles messages until stopped, until `limit` is reached, or until none arrives for `idle` seconds.

        Returns their number. Commits an offset after its message is handled: at-least-once delivery.
        """
        self.reader.subscribe([settings.ORDERS_TOPIC])
        handled, quiet_since = 0, time.monotonic()
        try:
            while self.running and handled != limit:
                self.alive()
                message = self.reader.poll(POLL)
                if message is not None and not message.error():
                    if self.handle(message):
                        self.reader.commit(message, asynchronous=False)
                        handled += 1
                    quiet_since = time.monotonic()
                elif idle is not None and time.monotonic() - quiet_since > idle:
                    break
        finally:
            self.reader.close()
        return handled

    def handle(self, message) -> bool:
        """Handles one message, retrying until the database is available. Returns False if stopped."""
        while self.running:
            self.alive()
            try:
                handle_event(dict(message.headers() or []), message.value())
                return True
            except (OperationalError, InterfaceError):
                log.warning("the database is unavailable, the event is waiting")
                close_old_connections()
                time.sleep(RETRY)
        return False


def handle_event(headers: "dict[str, bytes]", value: bytes) -> None:
    """Writes the receipt of a settled order. Logs and skips any other message."""
    token = logs.request_id.set(headers.get("request_id", b"-").decode(errors="replace"))
    try:
        if headers.get("kind") != b"order.settled":
            log.info("event of another kind, skipped")
            return
        payload = json.loads(value)
        new = services.record_receipt(headers["event_id"].decode(), payload, logs.request_id.get())
        log.info("receipt written" if new else "duplicate event", extra={"order": payload["order"]})
    except (KeyError, TypeError, ValueError, ValidationError) as problem:
        log.error("malformed event, skipped", extra={"problem": type(problem).__name__})
    finally:
        logs.request_id.reset(token)
