"""Orders, their events, and the receipts that a consumer of the events writes."""

import uuid
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Order(models.Model):
    """Placed by a client, settled by a worker."""

    class Status(models.TextChoices):
        PLACED = "placed"
        SETTLED = "settled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.CharField(max_length=120)
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(10_000)])
    unit_price = models.DecimalField(
        max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PLACED, editable=False)
    request_id = models.CharField(max_length=128, default="-", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="order_newest"),
            models.Index(fields=["created_at"], name="order_placed", condition=models.Q(status="placed")),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def total(self) -> Decimal:
        return self.quantity * self.unit_price


class OutboxEvent(models.Model):
    """An event stored in the same transaction as the change it describes (transactional outbox)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    request_id = models.CharField(max_length=128, default="-")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(
                fields=["created_at"], name="event_unpublished", condition=models.Q(published_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


class Receipt(models.Model):
    """Written by the consumer: exactly one per event, even if the event arrives more than once."""

    event_id = models.UUIDField(primary_key=True, editable=False)
    order_id = models.UUIDField(db_index=True)
    total = models.DecimalField(max_digits=16, decimal_places=2)
    request_id = models.CharField(max_length=128, default="-")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.total} for {self.order_id}"
