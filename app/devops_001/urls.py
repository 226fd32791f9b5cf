"""The URLs."""

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from checks.views import checks
from devops_001 import health
from orders import views as orders

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="checks")),
    path("favicon.ico", lambda request: HttpResponseRedirect(static("checks/favicon.svg"))),
    path("checks/", checks, name="checks"),
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
    path("orders/", orders.collection, name="orders"),
    path("orders/<uuid:pk>/", orders.single, name="order"),
    path("admin/", admin.site.urls),
]
