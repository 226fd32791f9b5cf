import os
import subprocess
import sys
import tempfile
from unittest import TestCase

from devops_001 import env as read

NINE = {
    "POSTGRES_DB": "canary-db",
    "POSTGRES_USER": "canary-user",
    "POSTGRES_PASSWORD": "canary-password",
    "DATABASE_HOST": "canary-host",
    "DATABASE_PORT": "5432",
    "REDIS_HOST": "canary-redis",
    "REDIS_PORT": "6379",
    "KAFKA_HOST": "canary-kafka",
    "KAFKA_PORT": "9092",
}


def start(environ, code="import devops_001.settings as s; print(s.DEBUG, s.ALLOWED_HOSTS, s.SECRET_KEY)"):
    """Reads the settings in a fresh process that has this environment alone."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
    )


class EnvTest(TestCase):
    def test_missing_variables_are_all_named_in_one_message(self):
        env = read.Env({"B": ""})
        env.required("A"), env.required("B"), env.optional("C")
        self.assertEqual(env.complain(), "missing: A, B (each can also be given as NAME_FILE)")

    def test_a_malformed_value_is_named_and_never_shown(self):
        env = read.Env({"P": "canary", "H": "http://canary", "F": "canary", "L": "canary", "S": "canary"})
        env.required("P", read.port), env.required("H", read.host), env.optional("F", read.flag)
        env.optional("L", read.level), env.optional("S", read.seconds)
        self.assertTrue(all(name + " (" in env.complain() for name in "PHFLS"), env.complain())
        self.assertNotIn("canary", env.complain())

    def test_a_port_is_a_number_from_1_to_65535(self):
        for value in ("0", "65536", "-1", "5432.0", "x", "٣"):
            with self.subTest(value), self.assertRaises(read.Malformed):
                read.port(value)
        self.assertEqual(read.port("65535"), 65535)

    def test_a_switch_knows_the_usual_words(self):
        self.assertEqual(
            [read.flag(word) for word in ("1", "TRUE", "on", "0", "no", "False")], [True] * 3 + [False] * 3
        )

    def test_a_list_is_separated_by_commas(self):
        self.assertEqual(read.names(" a.example, b.example ,"), ["a.example", "b.example"])

    def test_the_default_counts_when_a_variable_is_absent_or_empty(self):
        env = read.Env({"B": ""})
        self.assertEqual((env.optional("A", default=1), env.optional("B", default=2)), (1, 2))

    def test_a_value_can_come_from_a_file_without_its_line_end(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(" p@ss \n")
            file.flush()
            self.assertEqual(read.Env({"A_FILE": file.name}).required("A"), " p@ss ")

    def test_an_unreadable_file_is_malformed_and_its_path_is_not_shown(self):
        env = read.Env({"A_FILE": "/canary"})
        env.required("A")
        self.assertEqual(env.complain(), "malformed: A (A_FILE names a file that cannot be read)")

    def test_a_variable_given_twice_is_malformed(self):
        env = read.Env({"A": "1", "A_FILE": "/dev/null"})
        env.required("A")
        self.assertIn("give one of them", env.complain())


class StartTest(TestCase):
    def test_an_empty_environment_stops_the_start_with_one_line_that_names_all_nine(self):
        done = start({})
        self.assertEqual((done.returncode, done.stdout), (read.EX_SETTINGS, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual([name for name in NINE if name not in done.stderr], [])

    def test_a_wrong_environment_is_described_without_its_values(self):
        done = start({**NINE, "DATABASE_PORT": "canary-port", "REDIS_HOST": ""})
        self.assertIn("missing: REDIS_HOST", done.stderr)
        self.assertIn("malformed: DATABASE_PORT", done.stderr)
        self.assertNotIn("canary", done.stderr)

    def test_the_nine_variables_are_enough_and_debug_is_off(self):
        done = start(NINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(
            done.stdout.startswith("False ['localhost', '127.0.0.1', '[::1]', 'app']"), done.stdout
        )

    def test_all_processes_derive_the_same_secret_key_and_another_password_another_one(self):
        first, second, other = start(NINE), start(NINE), start({**NINE, "POSTGRES_PASSWORD": "x"})
        self.assertEqual(first.stdout, second.stdout)
        self.assertNotEqual(first.stdout, other.stdout)
        self.assertNotIn("canary", first.stdout)

    def test_a_redis_password_may_hold_any_character(self):
        code = "from devops_001.celery import app; print(app.connection_for_write().password)"
        done = start({**NINE, "REDIS_PASSWORD": "p@ss:/?#%é w"}, code)
        self.assertEqual(done.stdout.strip(), "p@ss:/?#%é w", done.stderr)
