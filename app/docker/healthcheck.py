"""Is this container doing its work? Exit code 0 when it is, 1 and one line when not.

A worker and a beat (celery_run.py) touch a file as they go. A container without such a file is a web server,
which has to answer HTTP on port 8000 with a status below 500.
"""

import os
import socket
import sys
import time

RUN_DIR = os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline")
# Seconds. A worker touches its file every 2 s, a beat at least every 10 s.
STALE_AFTER = {"worker": 30, "beat": 60}
ADDRESS = ("127.0.0.1", 8000)
REQUEST = b"GET /healthz/live HTTP/1.0\r\nHost: localhost\r\nUser-Agent: healthcheck\r\n\r\n"


def celery(role):
    """Returns what is wrong with the worker or beat, None when nothing is, False when none runs here."""
    try:
        age = time.time() - os.stat(os.path.join(RUN_DIR, role)).st_mtime
    except FileNotFoundError:
        return False
    return None if age < STALE_AFTER[role] else f"{role}: no sign of life for {age:.0f} s"


def web():
    """Returns what is wrong with the web server, None when nothing is."""
    try:
        with socket.create_connection(ADDRESS, timeout=4) as connection:
            connection.sendall(REQUEST)
            status = connection.recv(64).split(b" ")[1:2]
    except OSError:
        return "web: no answer on port 8000"
    if not status or not status[0].isdigit():
        return "web: what answers on port 8000 does not speak HTTP"
    return f"web: HTTP status {status[0].decode()}" if int(status[0]) >= 500 else None


def main():
    found = [problem for problem in map(celery, STALE_AFTER) if problem is not False] or [web()]
    problems = [problem for problem in found if problem]
    print("; ".join(problems) or "ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
