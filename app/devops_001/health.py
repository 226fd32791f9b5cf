"""Liveness and readiness for container platforms: cheap enough for every few seconds, and without details."""

from django.http import JsonResponse
from django.views.decorators.http import require_safe

from checks.components import postgresql
from checks.runner import Check
from checks.shared import run_shared
from devops_001.redis import connect

LIMIT = 2.0  # seconds


def broker(request) -> None:
    """The broker responds to a ping."""
    client = connect(LIMIT)
    try:
        client.ping()
    finally:
        client.close()


NEEDED = (Check("database", "Database", "", postgresql), Check("broker", "Broker", "", broker))


@require_safe
def live(request):
    """The process responds. Checks no dependency, because a restart would not repair one."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request):
    """200 if the database and the broker respond, otherwise 503."""
    results = run_shared("ready", NEEDED, request, LIMIT)
    ok = all(result.ok for result in results)
    parts = {result.check.key: "ok" if result.ok else result.reason for result in results}
    return JsonResponse({"status": "ok" if ok else "unavailable", **parts}, status=200 if ok else 503)
