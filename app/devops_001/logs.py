"""JSON log lines on standard output, with the request's id and without confidential values."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import datetime, timezone
from urllib.parse import quote

request_id: ContextVar = ContextVar("request_id", default="-")

# The attributes of every record. All others come from `extra`.
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Extras of Django's and Celery's records that are objects, not text.
OBJECTS = {"request", "server_time", "data", "color_message"}
# Names too common to be confidential. Hiding them would make tracebacks unreadable.
COMMON = {
    "postgres",
    "postgresql",
    "redis",
    "kafka",
    "database",
    "db",
    "app",
    "django",
    "user",
    "localhost",
    "127.0.0.1",
}
SHORTEST = 6  # a shorter secret appears in ordinary words

_confidential = None


def hide(*secrets: str, names: "tuple[str, ...]" = ()) -> None:
    """Replaces these values with *** in all further log lines, exceptions included.

    Secrets are found in longer words, too, and as URLs, JSON and Python write them; names and short secrets
    are hidden as whole words.
    """
    global _confidential
    found = {}
    for value in names + secrets:
        if value and value not in COMMON:
            found[value] = rf"(?<!\w){re.escape(value)}(?!\w)"
    for value in secrets:
        if value and value not in COMMON and len(value) >= SHORTEST:
            for written in (value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1]):
                found[written] = re.escape(written)
    _confidential = (
        re.compile("|".join(found[value] for value in sorted(found, key=len, reverse=True)))
        if found
        else None
    )


def redacted(text: str) -> str:
    """The text without the values that hide() was given."""
    return _confidential.sub("***", text) if _confidential else text


class JsonFormatter(logging.Formatter):
    """One JSON object per line, traceback included, so that a log store never has to join lines."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
            "request_id": request_id.get(),
        }
        extras = {key: value for key, value in vars(record).items() if key not in STANDARD | OBJECTS}
        line.update(
            {key: redacted(value) if isinstance(value, str) else value for key, value in extras.items()}
        )
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, default=lambda value: redacted(str(value)), ensure_ascii=False)


class Exceptions(logging.Filter):
    """Passes only records with a traceback: the middleware already logs the status of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


def logging_config(level: str) -> dict:
    """The dictConfig of the whole application at this level."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "devops_001.logs.JsonFormatter"}},
        "filters": {"exceptions": {"()": "devops_001.logs.Exceptions"}},
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
        },
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            "django": {"level": level, "handlers": [], "propagate": True},
            "django.server": {"level": "WARNING", "handlers": [], "propagate": True},
            "django.request": {"filters": ["exceptions"]},
            # librdkafka logs every failed connection attempt; its callers log what matters.
            "kafka": {"level": "CRITICAL"},
        },
    }
