"""Is this container doing its work? Exit code 0 when it is, 1 and one line when not.

A process that serves no HTTP touches a file in STACKLINE_RUN_DIR as it goes (celery_run.py does it for worker
and beat). A container without such a file is a web server: it has to answer with a status below 500.
"""

import os
import socket
import sys
import time

RUN_DIR = os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline")
STALE_AFTER = 45  # seconds; a worker touches its file every 2 s, a beat at least every 10 s
ADDRESS = ("127.0.0.1", 8000)
REQUEST = b"GET /healthz/live HTTP/1.0\r\nHost: localhost\r\nUser-Agent: healthcheck\r\n\r\n"


def signs_of_life():
    """Returns the age in seconds of each sign of life in this container, by its name."""
    try:
        return {entry.name: time.time() - entry.stat().st_mtime for entry in os.scandir(RUN_DIR)}
    except FileNotFoundError:
        return {}


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
    ages = signs_of_life()
    stale = [f"{name}: no sign of life for {age:.0f} s" for name, age in ages.items() if age > STALE_AFTER]
    problem = "; ".join(stale) if ages else web()
    print(problem or "ok")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
