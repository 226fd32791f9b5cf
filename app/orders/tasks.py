"""Celery tasks. All are idempotent, because a task is delivered again if its worker dies."""

from celery import shared_task
from confluent_kafka import KafkaException
from django.db import OperationalError

from orders import outbox, queue, services

# Seconds between retries. After the last one beat's periodic tasks take over.
PATIENT = {"retry_backoff": 1, "retry_backoff_max": 30, "max_retries": 5}


@shared_task(name=queue.SETTLE, autoretry_for=(OperationalError,), **PATIENT)
def settle(pk: str) -> None:
    services.settle_order(pk)


@shared_task(name="orders.settle_placed")
def settle_placed() -> None:
    """Settles the orders that have lost their task."""
    for pk in services.overdue_orders():
        services.settle_order(pk)


@shared_task(name=queue.PUBLISH_EVENTS, autoretry_for=(OperationalError, KafkaException), **PATIENT)
def publish_events() -> None:
    """Publishes until no event is left, or none is acknowledged."""
    while outbox.publish_batch():
        pass
