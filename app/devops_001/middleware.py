"""What every request passes: its id, its log line, and the policy that a page loads from here alone."""

import logging
import re
import time
import uuid

from django.conf import settings

from devops_001 import logs

log = logging.getLogger("devops_001.request")


class RequestLog:
    """Takes the id over from X-Request-ID (nginx sets it), or makes one, and logs one line a request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        # A client may send anything: only what is safe in a log line and a header is taken over.
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
    """Scripts, styles and images come from this server alone; nothing is inline."""

    POLICY = (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not settings.DEBUG:  # Django's pages for debugging have their styles inline
            response.headers.setdefault("Content-Security-Policy", self.POLICY)
        return response
