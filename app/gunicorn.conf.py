"""gunicorn's lines in the application's own log format."""

import os

access = os.environ.get("GUNICORN_ACCESS_LOG", "").lower() in ("1", "true", "yes", "on")
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
        for name, level in (("gunicorn.error", "INFO"), ("gunicorn.access", "INFO" if access else "ERROR"))
    },
}
