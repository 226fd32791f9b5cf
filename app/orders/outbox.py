"""Brings stored events to Kafka, each at least once.

An event counts as published when the broker has acknowledged it. A process that dies in between publishes it
again: consumers know an event by its id.
"""

import functools
import json
import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from devops_001 import kafka
from orders.models import OutboxEvent

log = logging.getLogger(__name__)

BATCH = 200
TIMEOUT = 10.0  # seconds for a batch to be acknowledged


@functools.lru_cache(maxsize=1)
def producer():
    """One producer a process, made in the process that uses it: a forked one does not work."""
    kafka.ensure_topic(settings.ORDERS_TOPIC, TIMEOUT, partitions=3)
    return kafka.producer(message_timeout_ms=int(TIMEOUT * 1000), linger_ms=5)


def publish_batch() -> int:
    """Publishes the oldest events that no other process has in hand. Returns how many were acknowledged.

    Raises KafkaException when the broker cannot be reached at all.
    """
    with transaction.atomic():
        waiting = OutboxEvent.objects.select_for_update(skip_locked=True).filter(published_at=None)
        events = list(waiting.order_by("created_at")[:BATCH])
        acknowledged = send(events) if events else []
        OutboxEvent.objects.filter(pk__in=acknowledged).update(published_at=timezone.now())
    if len(acknowledged) < len(events):
        # The topic or the broker may be another one now.
        producer.cache_clear()
        log.warning("events wait for Kafka", extra={"waiting": len(events) - len(acknowledged)})
    return len(acknowledged)


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
