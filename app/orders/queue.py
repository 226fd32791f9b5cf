"""Sends tasks to the worker by name, so that services need not import the tasks that call them."""

from django.db import transaction

from devops_001.celery import app

SETTLE = "orders.settle"
PUBLISH_EVENTS = "orders.publish_events"


def send_on_commit(name: str, *args: str) -> None:
    """Sends the task once the current transaction is committed, and never if it is rolled back.

    An unavailable broker fails nothing: beat's periodic tasks pick up the work later.
    """
    transaction.on_commit(lambda: app.send_task(name, args), robust=True)
