"""A small JSON API: place an order, show one, list the newest."""

import json
from functools import wraps

from django.conf import settings
from django.forms.models import modelform_factory
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from orders import services
from orders.models import Order

NEWEST = 50
OrderForm = modelform_factory(Order, fields=["product", "quantity", "unit_price"])


def authorized(view):
    """Allows requests with API_TOKEN as bearer token and signed-in staff. All others get 401."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = (
            settings.API_TOKEN and scheme == "Bearer" and constant_time_compare(token, settings.API_TOKEN)
        )
        if not bearer and not request.user.is_staff:
            return JsonResponse({"error": "sign in as staff, or send API_TOKEN as bearer token"}, status=401)
        return view(request, *args, **kwargs)

    return guarded


@csrf_exempt  # another site can send neither the token nor JSON, and cookies are SameSite=Lax
@require_http_methods(["GET", "HEAD", "POST"])
@authorized
def collection(request):
    """GET lists the newest orders. POST places one: 201, or 400 with the errors by field."""
    if request.method == "POST":
        return create(request)
    return JsonResponse({"orders": [as_json(order) for order in Order.objects.all()[:NEWEST]]})


def create(request):
    if request.content_type != "application/json":
        return JsonResponse({"error": "send application/json"}, status=415)
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return JsonResponse({"error": "send a JSON object"}, status=400)
    form = OrderForm(given)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    order = services.place(form.save(commit=False))
    response = JsonResponse(as_json(order), status=201)
    response["Location"] = f"/orders/{order.pk}/"
    return response


@require_safe
@authorized
def single(request, pk):
    return JsonResponse(as_json(get_object_or_404(Order, pk=pk)))


def as_json(order: Order) -> dict:
    return {
        "id": str(order.pk),
        "product": order.product,
        "quantity": order.quantity,
        "unit_price": str(order.unit_price),
        "total": str(order.total),
        "status": order.status,
        "created_at": order.created_at,
        "settled_at": order.settled_at,
    }
