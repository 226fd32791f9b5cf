"""Publishes stored events to Kafka, each at least once.

An event counts as published once the broker has acknowledged it. If the process dies in between, the event is
published again: consumers recognise duplicates by its id.
"""

import functools
import json
import logging

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from devops_001 import kafka
from orders.models import OutboxEvent

log = logging.getLogger(__name__)

BATCH = 200
TIMEOUT = 5.0  # seconds for the acknowledgement of a batch
PUBLISHER = 0x6F7574626F78  # advisory lock of the publisher


@functools.lru_cache(maxsize=1)
def producer():
    """One producer per process, created on first use because a producer does not survive a fork."""
    kafka.ensure_topic(settings.ORDERS_TOPIC, TIMEOUT, partitions=3)
    return kafka.producer(message_timeout_ms=int(TIMEOUT * 1000), linger_ms=5)


def publish_batch() -> int:
    """Publishes the oldest events. Returns how many were acknowledged: 0 if another process is publishing.

    One process at a time keeps events in order, and only one worker waits while Kafka is unavailable.
    Raises KafkaException if the topic cannot be reached.
    """
    with transaction.atomic():
        if not alone():
            return 0
        events = list(OutboxEvent.objects.filter(published_at=None).order_by("created_at")[:BATCH])
        acknowledged = send(events) if events else []
        OutboxEvent.objects.filter(pk__in=acknowledged).update(published_at=timezone.now())
    if len(acknowledged) < len(events):
        # The topic or the broker may have been replaced.
        producer.cache_clear()
        log.warning("events are waiting for Kafka", extra={"waiting": len(events) - len(acknowledged)})
    return len(acknowledged)


def alone() -> bool:
    """Takes the publisher's lock until the transaction ends. Returns False if another process has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PUBLISHER])
        return cursor.fetchone()[0]


def send(events: "list[OutboxEvent]") -> list:
    """Returns the ids of the events that the broker acknowledged in time."""
    acknowledged, sender = [], producer()
    for event in events:
        sender.produce(
            settings.ORDERS_TOPIC,
            key=str(event.order_id),
            value=json.dumps(event.payload),
            headers={"event_id": str(event.pk), "kind": event.kind, "request_id": event.request_id},
            on_delivery=lambda error, _, pk=event.pk: error or acknowledged.append(pk),
        )
    sender.flush(TIMEOUT + 1)
    return acknowledged
