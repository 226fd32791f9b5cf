"""The operations on orders. Each is one transaction, which also stores the work that follows."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from devops_001 import logs
from orders import queue
from orders.models import Order, OutboxEvent, Receipt

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=15)  # an order unsettled for longer has lost its task


def place(order: Order) -> Order:
    """Stores the order and, once that is committed, sends the task that settles it.

    An unavailable broker does not fail the order: beat runs settle_placed, which finds it later.
    """
    order.request_id = logs.request_id.get()
    with transaction.atomic():
        order.save(force_insert=True)
        queue.send_on_commit(queue.SETTLE, str(order.pk))
    log.info("order placed", extra={"order": str(order.pk)})
    return order


def settle_order(pk: str) -> bool:
    """Settles the order and stores its event. Returns False if there was nothing to do."""
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(pk=pk).first()
        if order is None or order.status == Order.Status.SETTLED:
            return False
        order.status, order.settled_at = Order.Status.SETTLED, timezone.now()
        order.save(update_fields=["status", "settled_at"])
        OutboxEvent.objects.create(
            order=order,
            kind="order.settled",
            payload={
                "order": str(order.pk),
                "total": str(order.total),
                "settled_at": order.settled_at.isoformat(),
            },
            request_id=order.request_id,
        )
        queue.send_on_commit(queue.PUBLISH_EVENTS)
    log.info("order settled", extra={"order": str(order.pk)})
    return True


def overdue_orders(limit: int = 500) -> "list[str]":
    """Ids of orders that were not settled in time, oldest first."""
    found = Order.objects.filter(status=Order.Status.PLACED, created_at__lt=timezone.now() - OVERDUE)
    return [str(pk) for pk in found.order_by("created_at").values_list("pk", flat=True)[:limit]]


def record_receipt(event_id: str, payload: dict, request_id: str) -> bool:
    """Writes the receipt of a settled order. Returns False for a duplicate event."""
    _, created = Receipt.objects.get_or_create(
        event_id=event_id,
        defaults={"order_id": payload["order"], "total": payload["total"], "request_id": request_id},
    )
    return created
