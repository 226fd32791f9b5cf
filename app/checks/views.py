"""The page /checks: HTML for people, JSON for programs."""

from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from checks.components import CHECKS
from checks.shared import OLDEST, run_shared

LIMIT = 4.2  # seconds for all checks; the page must respond within 5


@require_safe
@never_cache
@vary_on_headers("Accept")
def checks(request):
    """Runs all checks, or shows results of a few seconds ago: 200 when every one passed, 503 otherwise."""
    results = run_shared("page", CHECKS, request, LIMIT)
    passed = sum(result.ok for result in results)
    status = 200 if passed == len(results) else 503
    if wants_json(request):
        return JsonResponse(
            {"ok": status == 200, "checks": [as_json(result) for result in results]}, status=status
        )
    context = {
        "results": results,
        "passed": passed,
        "all_passed": status == 200,
        "oldest": OLDEST,
        "request_id": request.id,
    }
    return render(request, "checks/checks.html", context, status=status)


def wants_json(request) -> bool:
    """Whether the client asks for JSON explicitly. Browsers accept text/html, and `*/*` gets HTML as well."""
    accept = request.headers.get("Accept", "")
    return "application/json" in accept and "text/html" not in accept


def as_json(result) -> dict:
    return {
        "id": result.check.key,
        "name": result.check.title,
        "ok": result.ok,
        "reason": result.reason,
        "ms": result.ms,
    }
