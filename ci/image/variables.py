"""Prints, for the entry point's shell, the variables by which applications usually find their services.

They are derived from POSTGRES_*, DATABASE_*, REDIS_* and KAFKA_*, unless they are set. environment.json beside this file has
those of stackline.json: {"DB_HOST": "${DATABASE_HOST}"}.
"""

import json
import os
import pathlib
import shlex
import string
from urllib.parse import quote

# Names of the variables without which the settings could not be imported while the image was built (placeholders.py).
REQUIRED = pathlib.Path(__file__).with_name("required-variables")
MAPPING = pathlib.Path(__file__).with_name("environment.json")


def joined(environ, host, port):
    """HOST:PORT, or HOST."""
    return ":".join(filter(None, (environ.get(host), environ.get(port))))


def of_database(environ):
    """The usual names for the database, and its URL."""
    if not environ.get("DATABASE_HOST"):
        return {}
    name, user, password = (environ.get(name, "") for name in ("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"))
    host, port = environ["DATABASE_HOST"], environ.get("DATABASE_PORT", "5432")
    return {
        "DATABASE_URL": f"postgres://{quote(user, '')}:{quote(password, '')}@{host}:{port}/{quote(name, '')}",
        "PGDATABASE": name,
        **dict.fromkeys(("DATABASE_NAME", "DB_NAME"), name),
        **dict.fromkeys(("PGUSER", "DATABASE_USER", "DB_USER"), user),
        **dict.fromkeys(("PGPASSWORD", "DATABASE_PASSWORD", "DB_PASSWORD"), password),
        **dict.fromkeys(("PGHOST", "POSTGRES_HOST", "DB_HOST"), host),
        **dict.fromkeys(("PGPORT", "POSTGRES_PORT", "DB_PORT"), port),
    }


def of_redis(environ):
    """Database 0 for the broker, 1 for the cache."""
    address = joined(environ, "REDIS_HOST", "REDIS_PORT")
    if not address:
        return {}
    password = environ.get("REDIS_PASSWORD")
    url = f"redis://:{quote(password, '')}@{address}" if password else f"redis://{address}"
    return {"REDIS_URL": f"{url}/0", "CELERY_BROKER_URL": f"{url}/0", "CACHE_URL": f"{url}/1"}


def of_kafka(environ):
    address = joined(environ, "KAFKA_HOST", "KAFKA_PORT")
    return dict.fromkeys(("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BROKERS"), address) if address else {}


def of_django(environ):
    """Two names for the same thing, of which one is set."""
    pairs = [("SECRET_KEY", "DJANGO_SECRET_KEY"), ("ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS")]
    both = pairs + [pair[::-1] for pair in pairs]
    return {name: environ[other] for other, name in both if environ.get(other)}


def placeholder(name):
    """A text that is also a number and a flag, or an address."""
    if name.endswith("_DSN"):
        return "https://build@build.invalid/1"
    return "https://build.invalid" if name.endswith(("_URL", "_URI", "_ENDPOINT")) else "1"


def placeholders(environ):
    """What stands for the required variables in a stack for tests and checks, which nobody gives their values."""
    if environ.get("STACKLINE_PLACEHOLDERS") != "1" or not REQUIRED.exists():
        return {}
    return {name: placeholder(name) for name in REQUIRED.read_text().split()}


def of_project(environ):
    """What stackline.json assigns. A name that is not set becomes an empty text."""
    if not MAPPING.exists():
        return {}
    known = Defaulting(environ)
    return {name: string.Template(text).safe_substitute(known) for name, text in json.loads(MAPPING.read_text()).items()}


class Defaulting(dict):
    def __missing__(self, name):
        return ""


def derived(environ):
    """All variables to set: those of stackline.json may use the others."""
    usual = {**of_database(environ), **of_redis(environ), **of_kafka(environ), **of_django(environ)}
    usual = {name: value for name, value in usual.items() if not environ.get(name)}
    own = of_project({**environ, **usual})
    added = {**placeholders(environ), **usual, **own}
    return {name: value for name, value in added.items() if not environ.get(name)}


if __name__ == "__main__":
    for name, value in derived(dict(os.environ)).items():
        print(f"export {name}={shlex.quote(value)}")
