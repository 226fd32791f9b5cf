"""The six components, each tested with a real request. A check returns if it passes, otherwise raises."""

import contextlib
import time
import uuid

from confluent_kafka import KafkaException, TopicPartition
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import connection

from checks.reasons import Failed
from checks.runner import Check
from checks.tasks import echo, reply_key
from devops_001 import kafka as kafka_client
from devops_001.celery import app
from devops_001.redis import connect

STYLESHEET = "checks/checks.css"
TOPIC = "devops_001.checks"
STEP = 2.5  # seconds for one step of a check; LIMIT in views.py is for the whole page
WORKER = 3.5  # seconds for a worker to run the task; other tasks may be queued before it


def static(request) -> None:
    """The server can find the page's stylesheet, and it is not empty."""
    found = finders.find(STYLESHEET)
    if hasattr(staticfiles_storage, "hashed_files"):
        # In production: the manifest maps the file to its hashed name.
        stored = staticfiles_storage.hashed_files.get(STYLESHEET)
        found = stored and staticfiles_storage.exists(stored) and staticfiles_storage.size(stored)
    if not found:
        raise Failed("the stylesheet was not collected")


def nginx(request) -> None:
    """The request has the header that nginx sets."""
    if request.headers.get("using-nginx") != "true":
        raise Failed("this request did not come through nginx")


def postgresql(request) -> None:
    """A query on a new connection returns the expected result."""
    token = uuid.uuid4().hex
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", [token])
            if cursor.fetchone() != (token,):
                raise Failed("it returned an unexpected result")
    finally:
        connection.close()


def redis(request) -> None:
    """A value is written, read back and removed."""
    key, token = f"checks:redis:{uuid.uuid4().hex}", uuid.uuid4().hex
    with contextlib.closing(connect(STEP)) as client:
        client.set(key, token, ex=30)
        if client.get(key) != token:
            raise Failed("it returned another value than was written")
        client.delete(key)


def celery(request) -> None:
    """A worker runs a task and its reply arrives."""
    token = uuid.uuid4().hex
    # Not a pooled connection: a broken one would return to the pool and fail the next request.
    with app.connection_for_write() as broker:
        echo.apply_async([token], connection=broker, retry=False, expires=30)
    with contextlib.closing(connect(WORKER + 0.5)) as client:
        if not client.blpop([reply_key(token)], timeout=WORKER):
            raise Failed("no worker ran the task in time")


def kafka(request) -> None:
    """The broker acknowledges a message, which is then read back from its offset."""
    token, deadline = uuid.uuid4().hex.encode(), time.monotonic() + STEP
    kafka_client.ensure_topic(TOPIC, STEP, retention_ms="3600000", segment_bytes="1048576")
    where = acknowledged(token, deadline)
    with contextlib.closing(kafka_client.consumer("checks", fetch_wait_max_ms=50)) as reader:
        reader.assign([where])
        while time.monotonic() < deadline + 1:
            message = reader.poll(0.2)
            if message is not None and not message.error() and message.value() == token:
                return
    raise Failed("the message was acknowledged but could not be read back")


def acknowledged(token: bytes, deadline: float) -> TopicPartition:
    """Sends the token and returns its partition and offset, or raises KafkaException."""
    outcome, problems = [], []
    sender = kafka_client.producer(message_timeout_ms=int(STEP * 1000), error_cb=problems.append)
    sender.produce(TOPIC, token, on_delivery=lambda error, message: outcome.append((error, message)))
    while not outcome and time.monotonic() < deadline:
        sender.poll(0.05)
    if not outcome or outcome[0][0]:
        sender.purge()
        raise KafkaException(*map(str, [*problems, *(error for error, _ in outcome), "timed out"]))
    message = outcome[0][1]
    return TopicPartition(message.topic(), message.partition(), message.offset())


CHECKS = (
    Check("static", "Static files (CSS)", "The page’s stylesheet is found", static, of_request=True),
    Check("nginx", "nginx", "The request came through the proxy", nginx, of_request=True),
    Check("postgresql", "PostgreSQL", "A query returns the expected result", postgresql),
    Check("redis", "Redis", "A value is written and read back", redis),
    Check("celery", "Celery", "A worker runs a task", celery),
    Check("kafka", "Kafka", "A message is acknowledged and read back", kafka),
)
