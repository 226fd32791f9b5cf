"""Writes to PostgreSQL, Celery and Kafka during a fault, and afterwards counts what arrived.

    writer.py write     writes COUNT of each kind for the fault FAULT. Retries each until it is acknowledged and records
                        it in a file, so that a restarted writer continues where it stopped
    writer.py verify    waits until the queue is empty and prints JSON: the count of each kind, by fault

A task settles an order, and is done once the order is settled. Celery alone does not guarantee that: a task that Redis
delivers just as it dies is lost (1 of 8,000 was seen). The application's periodic task settles that order.
"""

import json
import os
import pathlib
import queue
import sys
import threading
import time
import uuid

import django

COUNT = 1000
PACE = 0.006  # seconds between two of a kind: about eight seconds in total
PATIENCE = 150  # seconds; more than the 120 after which a killed worker's tasks are delivered again
TOPIC = "faults"
NOTES = pathlib.Path("/notes")
FAULT = os.environ.get("FAULT", "none")

sys.path.insert(0, os.getcwd())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devops_001.settings")
django.setup()

from django.db import connection  # noqa: E402

from devops_001 import celery, kafka  # noqa: E402, F401
from orders.models import Order  # noqa: E402
from orders.tasks import settle  # noqa: E402


class Noted:
    """The acknowledged numbers, in a file."""

    def __init__(self, kind):
        path = NOTES / f"{FAULT}.{kind}"
        self.known = {int(line) for line in path.read_text().split()} if path.exists() else set()
        self.file = path.open("a", buffering=1)

    def missing(self):
        return [number for number in range(COUNT) if number not in self.known]

    def add(self, number):
        self.file.write(f"{number}\n")


def insist(action):
    """Retries until it succeeds."""
    while True:
        try:
            return action()
        except Exception:
            connection.close()
            time.sleep(0.2)


def key(number):
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{FAULT}-{number}")


def write_row(number):
    # If the commit succeeded and only the response was lost, the row exists.
    Order.objects.get_or_create(
        pk=key(number), defaults={"product": FAULT, "quantity": 1, "unit_price": 1}
    )


def write_rows(rows):
    noted = Noted("rows")
    for number in noted.known:
        rows.put(number)
    for number in noted.missing():
        insist(lambda: write_row(number))
        noted.add(number)
        rows.put(number)
        time.sleep(PACE)


def write_tasks(rows):
    noted = Noted("tasks")
    for _ in range(COUNT):
        number = rows.get()
        if number not in noted.known:
            insist(lambda: settle.apply_async([str(key(number))], retry=False))
            noted.add(number)


def write_messages(_):
    noted = Noted("messages")
    sender = kafka.producer(message_timeout_ms=2000)
    left = noted.missing()
    while left:
        failed = []
        for number in left:

            def delivered(error, message, number=number):
                failed.append(number) if error else noted.add(number)

            sender.produce(TOPIC, f"{FAULT}-{number}", on_delivery=delivered)
            sender.poll(PACE)
        sender.flush()
        left = failed


def write():
    insist(lambda: kafka.ensure_topic(TOPIC, 5.0, partitions=3))
    rows = queue.Queue()
    threads = [threading.Thread(target=part, args=[rows]) for part in (write_rows, write_tasks, write_messages)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def messages():
    """Every key on the topic."""
    from confluent_kafka import TopicPartition

    reader, found = kafka.consumer("faults-verify"), []
    for number in range(3):
        low, high = reader.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=10)
        reader.assign([TopicPartition(TOPIC, number, low)])
        while low < high:
            message = reader.poll(10)
            found.append(message.value().decode())
            low = message.offset() + 1
    reader.close()
    return found


def verify():
    deadline = time.monotonic() + PATIENCE
    written = Order.objects.order_by()
    while written.exclude(status=Order.Status.SETTLED).exists() and time.monotonic() < deadline:
        time.sleep(1)
    arrived = messages()
    report = {}
    for fault in sorted(written.values_list("product", flat=True).distinct()):
        rows = written.filter(product=fault)
        report[fault] = {
            "rows": rows.count(),
            "tasks": rows.filter(status=Order.Status.SETTLED).count(),
            "messages": len({one for one in arrived if one.startswith(f"{fault}-")}),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    {"write": write, "verify": verify}[sys.argv[1]]()
