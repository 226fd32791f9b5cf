import os
import socket
from unittest import TestCase

import psycopg
import redis
from confluent_kafka import KafkaError, KafkaException

from checks.reasons import UNKNOWN, Failed, in_words
from devops_001.tests.support import closed_port

CASES = [
    (ConnectionRefusedError(111, "Connection refused to canary"), "it refuses connections"),
    (socket.gaierror(-2, "Name or service not known"), "its name cannot be resolved"),
    (redis.exceptions.AuthenticationError("WRONGPASS invalid canary"), "it does not accept the credentials"),
    (redis.exceptions.TimeoutError("Timeout connecting to canary"), "it did not answer in time"),
    (redis.exceptions.ConnectionError("Connection closed by canary"), "it closed the connection"),
    (redis.exceptions.ResponseError("OOM command not allowed"), "it does not accept writes"),
    (psycopg.OperationalError('FATAL: role "canary" does not exist'), "it does not accept the credentials"),
    (psycopg.OperationalError('FATAL: database "canary" does not exist'), "the database does not exist"),
    (psycopg.OperationalError("FATAL: sorry, too many clients already"), "it has no free connection"),
    (psycopg.OperationalError("FATAL: the database system is starting up"), "it is starting or stopping"),
    (KafkaException(KafkaError(KafkaError._TIMED_OUT)), "it did not answer in time"),
    (RuntimeError("canary"), UNKNOWN),
    (Failed("it is away"), "it is away"),
]


class ReasonsTest(TestCase):
    def test_every_kind_of_failure_has_plain_words_without_its_text(self):
        for problem, words in CASES:
            with self.subTest(repr(problem)):
                self.assertEqual(in_words(problem), words)
                self.assertNotIn("canary", in_words(problem))

    def test_what_caused_a_failure_explains_it(self):
        wrapped = RuntimeError("could not send")
        wrapped.__cause__ = ConnectionRefusedError(111, os.strerror(111))
        self.assertEqual(in_words(wrapped), "it refuses connections")

    def test_a_real_refusal_by_the_database_client_is_understood(self):
        with self.assertRaises(psycopg.OperationalError) as caught:
            psycopg.connect(host="127.0.0.1", port=closed_port(), connect_timeout=2)
        self.assertEqual(in_words(caught.exception), "it refuses connections")
