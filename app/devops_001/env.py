"""Environment variables as typed values. Each is set as NAME, or as NAME_FILE: the path of a file with it."""

import re
import sys
from pathlib import Path
from typing import Callable, Mapping, Optional, TypeVar

T = TypeVar("T")

EX_SETTINGS = 3  # a gunicorn worker that exits with this code is not restarted


class Malformed(ValueError):
    """A value is malformed. The message describes the expected form and never contains the value."""


def text(value: str) -> str:
    return value


def port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise Malformed("a port is a number from 1 to 65535")
    return int(value)


def seconds(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", value):
        raise Malformed("a time is a whole number of seconds")
    return int(value)


def host(value: str) -> str:
    if re.search(r"[\s/@]", value):
        raise Malformed("a host is a name or an address, without scheme, port or path")
    return value


def flag(value: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if value.lower() not in words:
        raise Malformed("a flag is true or false")
    return words[value.lower()]


def names(value: str) -> "list[str]":
    return [name.strip() for name in value.split(",") if name.strip()]


def level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise Malformed("a level is DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


class Env:
    """Reads variables and collects the problems, so that one message can name them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.missing = []
        self.malformed = []

    def required(self, name: str, parse: Callable[[str], T] = text) -> T:
        """Returns the value. A missing one is recorded for complain() and returned as None."""
        return self._read(name, parse, None, required=True)

    def optional(self, name: str, parse: Callable[[str], T] = text, default: Optional[T] = None) -> T:
        """Returns the value, or the default if the variable is unset or empty."""
        return self._read(name, parse, default, required=False)

    def complain(self) -> str:
        """Returns one line that names every missing or malformed variable, or an empty string."""
        parts = []
        if self.missing:
            parts.append("missing: " + ", ".join(self.missing) + " (each can also be given as NAME_FILE)")
        if self.malformed:
            parts.append("malformed: " + ", ".join(self.malformed))
        return "; ".join(parts)

    def stop_if_wrong(self) -> None:
        """Exits with that line on standard error if there is a problem."""
        if self.missing or self.malformed:
            print(
                f"devops_001: cannot start, the environment is incomplete. {self.complain()}", file=sys.stderr
            )
            raise SystemExit(EX_SETTINGS)

    def _read(self, name, parse, default, required):
        try:
            raw = self._raw(name)
            if raw:
                return parse(raw)
        except Malformed as problem:
            self.malformed.append(f"{name} ({problem})")
            return default
        if required:
            self.missing.append(name)
        return default

    def _raw(self, name: str) -> str:
        given, path = self.environ.get(name), self.environ.get(f"{name}_FILE")
        if not path:
            return given
        if given:
            raise Malformed(f"{name}_FILE is set as well: give one of them")
        try:
            return Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise Malformed(f"{name}_FILE names a file that cannot be read") from None
