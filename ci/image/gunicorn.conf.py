"""gunicorn's settings for any application. GUNICORN_CMD_ARGS can set others."""

import os
import pathlib


def flag(name):
    """Whether the environment variable is set to 1, true, yes or on."""
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


reload = flag("GUNICORN_RELOAD")
threads = int(os.environ.get("GUNICORN_THREADS", "1"))
timeout = 30  # seconds; /checks takes 5 at most
graceful_timeout = int(os.environ.get("REQUEST_GRACE", "20"))  # seconds
keepalive = 5
# Restarts workers from time to time, not all at once, in case the application leaks memory.
max_requests = 5000
max_requests_jitter = 500
# In memory, because the heartbeat file of a worker must not wait for a disk.
worker_tmp_dir = "/dev/shm"
accesslog = "-" if flag("GUNICORN_ACCESS_LOG") else None

# The project's own settings, as if gunicorn had found them by itself.
own = pathlib.Path("gunicorn.conf.py")
if own.exists():
    exec(compile(own.read_text(), str(own), "exec"))  # noqa: S102 - gunicorn does the same
