"""Middleware: the request id, the request log and the Content-Security-Policy."""

import logging
import re
import time
import uuid

from django.conf import settings

from devops_001 import logs

log = logging.getLogger("devops_001.request")


class RequestLog:
    """Uses the id in X-Request-ID (nginx sets it) or generates one, and logs one line per request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        # A client can send anything. Only ids that are safe in log lines and headers are accepted.
        request.id = given if re.fullmatch(r"[\w.:-]{1,128}", given, re.ASCII) else uuid.uuid4().hex
        token, started = logs.request_id.set(request.id), time.monotonic()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request.id
            self.write(request, response.status_code, time.monotonic() - started)
            return response
        finally:
            logs.request_id.reset(token)

    @staticmethod
    def write(request, status, seconds):
        quiet = request.path.startswith("/healthz/") and status < 400
        fields = {
            "method": request.method,
            "path": request.path,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        log.log(logging.DEBUG if quiet else logging.INFO, "request", extra=fields)


class ContentSecurityPolicy:
    """Allows scripts, styles and images only from this server, and nothing inline."""

    POLICY = (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not settings.DEBUG:  # Django's debug pages have inline styles
            response.headers.setdefault("Content-Security-Policy", self.POLICY)
        return response
