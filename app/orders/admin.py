from django.contrib import admin

from orders import services
from orders.models import Order, OutboxEvent, Receipt


class ReadOnly(admin.ModelAdmin):
    """View only: just the application writes these."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["product", "quantity", "unit_price", "status", "created_at", "settled_at"]
    list_filter = ["status"]
    search_fields = ["product"]
    readonly_fields = ["status", "request_id", "created_at", "settled_at"]

    def save_model(self, request, order, form, change):
        """A new order is handled like one from the API."""
        if change:
            order.save()
        else:
            services.place(order)


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnly):
    list_display = ["kind", "order", "created_at", "published_at"]
    list_filter = ["kind"]


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly):
    list_display = ["order_id", "total", "created_at"]
