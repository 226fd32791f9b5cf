"""Runs the Celery worker or beat of any application, and touches a heartbeat file while it is alive.

Usage: celery_run.py worker|beat [option...]
CELERY_QUEUES=a,b limits a worker to these queues; by default it consumes all that the application declares.
"""

import contextlib
import os
import pathlib
import sys
import threading
import time
import traceback

from placeholders import explain

RUN_DIR = pathlib.Path(os.environ.get("STACKLINE_RUN_DIR", "/tmp/stackline"))
# Beside RUN_DIR, where every file is a heartbeat.
TASKS = RUN_DIR.with_name(RUN_DIR.name + "-tasks")


def heartbeat(role):
    """Returns a function that touches the heartbeat file for healthcheck.py."""
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    return lambda **_: (RUN_DIR / role).touch()


def declared_queues(app):
    """The names of all queues in the application's settings, routes, tasks and schedule."""
    conf = app.conf
    queues = {getattr(queue, "name", queue) for queue in conf.task_queues or [conf.task_default_queue]}
    routes = conf.task_routes or {}
    for table in routes if isinstance(routes, (list, tuple)) else [routes]:
        targets = table.values() if isinstance(table, dict) else []
        queues |= {target if isinstance(target, str) else target.get("queue") for target in targets}
    queues |= {getattr(task, "queue", None) for task in app.tasks.values()}
    queues |= {(entry.get("options") or {}).get("queue") for entry in (conf.beat_schedule or {}).values()}
    return sorted(getattr(queue, "name", queue) for queue in queues if queue)


def end_without_broker(app):
    """Returns a shutdown handler for a worker whose broker may be stopping as well.

    Celery would wait for the broker until the container is killed. Without a broker no task can be
    acknowledged, so the worker exits once the broker has been unreachable for eight seconds.
    """
    seen = [0.0]

    def look():
        while True:
            # This can take long: the name of a stopped broker is looked up in external DNS.
            with contextlib.suppress(Exception), app.connection_for_read() as connection:
                connection.connect()
                seen[0] = time.monotonic()
            time.sleep(1)

    def watch():
        seen[0] = time.monotonic()
        threading.Thread(target=look, daemon=True).start()
        while time.monotonic() - seen[0] < 8:
            time.sleep(0.5)
        os._exit(0)

    return lambda **_: threading.Thread(target=watch, daemon=True).start()


def list_tasks():
    """Returns a shutdown handler that lists what the worker still finishes: NAME ID SECONDS lines in TASKS.

    A worker that shuts down answers no `celery inspect`.
    """
    from celery.worker import state

    def write():
        now, running = time.time(), {}
        for request in list(state.active_requests):
            seconds = now - (request.time_start or now)
            # A task that was delivered again is there twice.
            running[request.id] = max((seconds, request.name), running.get(request.id, (0, "")))
        new = TASKS.with_suffix(".new")
        new.write_text("".join(f"{name} {id} {seconds:.0f}\n" for id, (seconds, name) in running.items()))
        new.replace(TASKS)

    def watch():
        while True:
            # The set can change while it is read, and the disk can be full.
            with contextlib.suppress(RuntimeError, OSError):
                write()
            time.sleep(0.5)

    return lambda **_: threading.Thread(target=watch, daemon=True).start()


def worker_options():
    """Connects the heartbeat file and returns the options of `celery worker`."""
    from celery.app.utils import find_app
    from celery.signals import heartbeat_sent, worker_shutting_down

    app = find_app(os.environ["STACKLINE_CELERY"])
    heartbeat_sent.connect(heartbeat("worker"), weak=False)
    worker_shutting_down.connect(end_without_broker(app), weak=False)
    worker_shutting_down.connect(list_tasks(), weak=False)
    queues = os.environ.get("CELERY_QUEUES")
    if not queues:
        app.loader.import_default_modules()
        app.finalize()
        queues = ",".join(declared_queues(app))
    return ["--queues", queues]


def beat_options():
    """Touches the heartbeat file on each tick of the scheduler and returns the options of `celery beat`."""
    from celery.beat import Scheduler

    alive, tick = heartbeat("beat"), Scheduler.tick

    def tick_alive(self, *args, **kwargs):
        alive()
        return tick(self, *args, **kwargs)

    Scheduler.tick = tick_alive
    schedule = os.environ.get("CELERY_BEAT_SCHEDULE_FILE", "/tmp/celerybeat-schedule")
    return ["--schedule", schedule, "--pidfile=", "--max-interval", "10"]


def main():
    role, *extra = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    level = os.environ.get("LOG_LEVEL", "info").lower()
    # No banner among log lines.
    command = ["celery", "--quiet", "-A", os.environ["STACKLINE_CELERY"], role, "--loglevel", level]
    sys.argv = [*command, *extra]
    from celery import maybe_patch_concurrency

    maybe_patch_concurrency(sys.argv)  # before any other import, as --pool gevent requires
    options = {"worker": worker_options, "beat": beat_options}[role]()
    sys.argv = [*command, *options, *extra]
    from celery.__main__ import main as celery_main

    celery_main()


if __name__ == "__main__":
    try:
        main()
    except ImportError as problem:
        traceback.print_exc()
        sys.exit(explain(problem, "Celery cannot start"))
