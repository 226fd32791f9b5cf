"""Kafka clients with time limits, which log through Python's logging."""

import logging
from concurrent.futures import TimeoutError

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from django.conf import settings

log = logging.getLogger("kafka")


def client_config(**more) -> dict:
    """The common configuration. In `more`, a_b stands for Kafka's a.b; callbacks (*_cb) keep their names."""
    config = {
        "bootstrap.servers": settings.KAFKA_SERVER,
        "client.id": "devops_001",
        "socket.connection.setup.timeout.ms": 2500,
        "reconnect.backoff.ms": 250,
        "log.connection.close": False,
    }
    dotted = {key if key.endswith("_cb") else key.replace("_", "."): value for key, value in more.items()}
    return {**config, **dotted}


def producer(**more) -> Producer:
    """A producer that reports a message as delivered once all in-sync replicas have it."""
    return Producer(client_config(acks="all", enable_idempotence=True, **more), logger=log)


def consumer(group: str, **more) -> Consumer:
    """A consumer without automatic commits."""
    return Consumer(client_config(group_id=group, enable_auto_commit=False, **more), logger=log)


def ensure_topic(name: str, timeout: float, partitions: int = 1, **config: str) -> None:
    """Creates the topic if it does not exist, because brokers may not create topics automatically.

    Raises KafkaException if the broker does not create it within `timeout` seconds.
    """
    topic = NewTopic(
        name, num_partitions=partitions, config={key.replace("_", "."): v for key, v in config.items()}
    )
    troubles = []  # connection errors; the request itself only fails with a timeout
    admin = AdminClient(client_config(error_cb=troubles.append), logger=log)
    try:
        admin.create_topics([topic], request_timeout=timeout, operation_timeout=timeout)[name].result(timeout)
    except (KafkaException, TimeoutError) as problem:
        if problem.args and problem.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return
        admin.poll(0)  # runs the pending error callbacks
        raise KafkaException(
            *problem.args, *sorted({str(trouble) for trouble in troubles}), "timed out"
        ) from None
