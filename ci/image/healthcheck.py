"""Checks the container's health: healthcheck.py [--up SECONDS]. Exits with 0 if it is healthy, otherwise with 1 and one line.

A process that serves no HTTP touches a heartbeat file in STACKLINE_RUN_DIR (celery_run.py does so for worker
and beat). A container without such a file is a web server, which must respond with a status below 500.
"""

import os
import socket
import sys
import time

RUN_DIR = os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline")
STALE_AFTER = 45  # seconds; a worker touches its file every 2 s, a beat at least every 10 s
ADDRESS = ("127.0.0.1", 8000)
REQUEST = b"GET /healthz/live HTTP/1.0\r\nHost: localhost\r\nUser-Agent: healthcheck\r\n\r\n"


def heartbeats():
    """Returns the age in seconds of each heartbeat file in this container, by its name."""
    try:
        return {entry.name: time.time() - entry.stat().st_mtime for entry in os.scandir(RUN_DIR)}
    except FileNotFoundError:
        return {}


def web():
    """Returns the problem with the web server, or None."""
    try:
        with socket.create_connection(ADDRESS, timeout=4) as connection:
            connection.sendall(REQUEST)
            status = connection.recv(64).split(b" ")[1:2]
    except OSError:
        return "web: no response on port 8000"
    if not status or not status[0].isdigit():
        return "web: the response on port 8000 is not HTTP"
    return f"web: HTTP status {status[0].decode()}" if int(status[0]) >= 500 else None


def uptime():
    """Seconds since the container's first process started."""
    with open("/proc/1/stat") as stat, open("/proc/uptime") as up:
        ticks = int(stat.read().rpartition(")")[2].split()[19])
        return float(up.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def main():
    # A process of which nothing is known but that it runs: healthy once it has done so for that many seconds.
    if sys.argv[1:2] == ["--up"]:
        return 0 if uptime() >= float(sys.argv[2]) else 1
    ages = heartbeats()
    stale = [f"{name}: no heartbeat for {age:.0f} s" for name, age in ages.items() if age > STALE_AFTER]
    problem = "; ".join(stale) if ages else web()
    print(problem or "ok")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
