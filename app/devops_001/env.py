"""The environment as typed values. A variable is given as NAME, or as NAME_FILE: a file that holds it."""

import re
import sys
from pathlib import Path
from typing import Callable, Mapping, Optional, TypeVar

T = TypeVar("T")

EX_SETTINGS = 3  # the exit code by which a gunicorn worker tells its master not to start another


class Malformed(ValueError):
    """A value does not have the form that it should; the message says which form that is, never the value."""


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
        raise Malformed("a switch is true or false")
    return words[value.lower()]


def names(value: str) -> "list[str]":
    return [name.strip() for name in value.split(",") if name.strip()]


def level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise Malformed("a level is DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


class Env:
    """Reads variables and remembers what is wrong with them, so that one message can name them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.missing = []
        self.malformed = []

    def required(self, name: str, parse: Callable[[str], T] = text) -> T:
        """Returns the value; a missing one is noted for complain() and read as None."""
        return self._read(name, parse, None, required=True)

    def optional(self, name: str, parse: Callable[[str], T] = text, default: Optional[T] = None) -> T:
        """Returns the value, or the default when the variable is absent or empty."""
        return self._read(name, parse, default, required=False)

    def complain(self) -> str:
        """Returns one line that names every variable that is missing or malformed; empty when none is."""
        parts = []
        if self.missing:
            parts.append("missing: " + ", ".join(self.missing) + " (each can be given as NAME_FILE too)")
        if self.malformed:
            parts.append("malformed: " + ", ".join(self.malformed))
        return "; ".join(parts)

    def stop_if_wrong(self) -> None:
        """Ends the process with that one line on standard error."""
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
            raise Malformed(f"{name}_FILE is set too: give one of them")
        try:
            return Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise Malformed(f"{name}_FILE names a file that cannot be read") from None
