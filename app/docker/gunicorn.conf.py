"""gunicorn's settings for any application. What is not here can be given in GUNICORN_CMD_ARGS."""

import os
import pathlib


def flag(name):
    """True when the environment variable is set to something that means yes."""
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


reload = flag("GUNICORN_RELOAD")
threads = int(os.environ.get("GUNICORN_THREADS", "1"))
timeout = 30  # seconds; /checks takes 5 at most
graceful_timeout = 20  # less than compose's stop_grace_period
keepalive = 5
# Workers are renewed now and then, not all at once, in case the application leaks memory.
max_requests = 5000
max_requests_jitter = 500
# The heartbeat file of a worker must not wait for a disk.
worker_tmp_dir = "/dev/shm"
accesslog = "-" if flag("GUNICORN_ACCESS_LOG") else None

if pathlib.Path("devops_001/logs.py").exists():
    # The application has a format of its own for log lines: gunicorn's are then like all the others.
    logconfig_dict = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "devops_001.logs.JsonFormatter"}},
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
        },
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            name: {"level": level, "handlers": ["stdout"], "propagate": False}
            for name, level in (
                ("gunicorn.error", "INFO"),
                ("gunicorn.access", "INFO" if accesslog else "ERROR"),
            )
        },
    }
