"""Runs checks once at a time for all worker processes, which share the results for a few seconds.

Many requests at once would otherwise hold every worker and open a connection to each component. The process
that has the lock runs the checks; the others get the previous results, or wait shortly for the new ones. The
kernel releases the lock when its process ends.
"""

import contextlib
import fcntl
import json
import math
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import IO, Sequence

from django.conf import settings
from django.db import connections
from django.utils.crypto import salted_hmac

from checks.runner import Check, Result, run_all

# Seconds since the run began.
NEW = 1  # results are shown without a new run
OLDEST = 5  # results are shown while a new run is in progress, and never after that
PATIENCE = 1  # requests wait for the run's results

BUSY = "it is being tested for another request; ask again in a second"
FOLDER = Path(tempfile.gettempdir(), f"devops_001-checks-{os.geteuid()}")


def now() -> float:
    """Seconds since the machine started, equal in all processes. Setting the clock does not change it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def run_shared(name: str, checks: Sequence[Check], request, limit: float) -> "list[Result]":
    """Like run_all. Checks of the request itself always run, the others once at a time."""
    own = run_all([check for check in checks if check.of_request], request, limit)
    shared = _shared(name, [check for check in checks if not check.of_request], request, limit)
    found = {result.check.key: result for result in own + shared}
    return [found[check.key] for check in checks]


def _shared(name: str, checks: "list[Check]", request, limit: float) -> "list[Result]":
    try:
        file = _private_folder() / f"{name}-{_target()}"
        lock = file.with_suffix(".lock").open("a+")
    except OSError:
        return run_all(checks, request, limit)
    since = now()
    with lock:  # closing it releases the lock
        while True:
            age, previous = _read(file, checks)
            if age < NEW:
                return previous
            if _acquire(lock):
                try:
                    age, previous = _read(file, checks)  # another process may have finished meanwhile
                    return previous if age < NEW else _run(file, checks, request, limit)
                finally:
                    lock.truncate(0)
            if age < OLDEST:
                return previous
            if now() > min(_began(lock, since), since) + PATIENCE:
                return [Result(check, False, BUSY, 0) for check in checks]
            time.sleep(0.05)


def _private_folder() -> Path:
    """The folder, which nobody else can write to or read."""
    with contextlib.suppress(FileExistsError):
        FOLDER.mkdir(mode=0o700)
    found = FOLDER.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{FOLDER} does not belong to this user alone")
    return FOLDER


def _target() -> str:
    """Identifies what the checks test: results of other services, or from before a restart, do not count."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        boot = ""
    tested = [connections.settings["default"], settings.REDIS, settings.KAFKA_SERVER, boot]
    return salted_hmac("checks.shared", repr(tested)).hexdigest()[:16]


def _acquire(lock: IO[str]) -> bool:
    """Whether this request got the lock. It then contains the time."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.truncate(0)
    lock.write(str(now()))
    lock.flush()
    return True


def _began(lock: IO[str], unknown: float) -> float:
    """The time at which another request got the lock."""
    lock.seek(0)
    try:
        return float(lock.read())
    except ValueError:
        return unknown


def _run(file: Path, checks: "list[Check]", request, limit: float) -> "list[Result]":
    began = now()
    results = run_all(checks, request, limit)
    found = {result.check.key: [result.ok, result.reason, result.ms] for result in results}
    new = file.with_suffix(".new")
    with contextlib.suppress(OSError):
        new.write_text(json.dumps({"began": began, "found": found}))
        new.replace(file.with_suffix(".json"))
    return results


def _read(file: Path, checks: "list[Check]") -> "tuple[float, list[Result]]":
    """The results of the last run and their age in seconds; infinite if there are none."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        stored = json.loads(file.with_suffix(".json").read_text())
        age = now() - stored["began"]
        if age >= 0:
            return age, [Result(check, *stored["found"][check.key]) for check in checks]
    return math.inf, []
