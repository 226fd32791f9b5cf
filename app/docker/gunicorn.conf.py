"""gunicorn's settings for any application. GUNICORN_CMD_ARGS can set others."""

import os
import pathlib


def flag(name):
    """Whether the environment variable is set to 1, true, yes or on."""
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


reload = flag("GUNICORN_RELOAD")
threads = int(os.environ.get("GUNICORN_THREADS", "1"))
timeout = 30  # seconds; /checks takes 5 at most
graceful_timeout = 20  # less than compose's stop_grace_period
keepalive = 5
# Restarts workers from time to time, not all at once, in case the application leaks memory.
max_requests = 5000
max_requests_jitter = 500
# In memory, because the heartbeat file of a worker must not wait for a disk.
worker_tmp_dir = "/dev/shm"
accesslog = "-" if flag("GUNICORN_ACCESS_LOG") else None

if pathlib.Path("devops_001/logs.py").exists():
    # The application has its own log format: gunicorn uses it as well.
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
