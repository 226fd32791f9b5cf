"""Runs checks in parallel and returns within a time limit, even if a check hangs."""

import contextvars
import logging
import threading
import time
from dataclasses import dataclass
from typing import Callable, Sequence

from checks.reasons import UNKNOWN, in_words

log = logging.getLogger(__name__)

# A thread that hangs (in a DNS lookup, for example) cannot be stopped, so each check has at most this many.
MOST_AT_ONCE = 8


class Check:
    """A component's check: `run` returns if it passes and raises if it fails.

    If its result depends on the request (`of_request`), requests cannot share it.
    """

    def __init__(self, key: str, title: str, how: str, run: Callable, of_request: bool = False) -> None:
        self.key, self.title, self.how, self.run, self.of_request = key, title, how, run, of_request
        self.slots = threading.BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True)
class Result:
    check: Check
    ok: bool
    reason: str  # empty if ok
    ms: int


def run_all(checks: Sequence[Check], request, limit: float) -> "list[Result]":
    """Returns the checks' results in their order after at most `limit` seconds."""
    started = time.monotonic()
    found = {}
    threads = [_start(check, request, found) for check in checks]
    for thread in threads:
        thread.join(max(0.0, started + limit - time.monotonic()))
    late = f"no response within {limit:g} s"
    return [found.get(check.key) or Result(check, False, late, int(limit * 1000)) for check in checks]


def _start(check: Check, request, found: dict) -> threading.Thread:
    # The context carries the request's id into the thread's log lines and tasks.
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_run, check, request, found), daemon=True, name=check.key
    )
    thread.start()
    return thread


def _run(check: Check, request, found: dict) -> None:
    started, reason = time.monotonic(), ""
    if check.slots.acquire(blocking=False):
        try:
            check.run(request)
        except Exception as problem:
            reason = in_words(problem)
            log.warning("%s: %s", check.title, reason, exc_info=problem if reason == UNKNOWN else None)
        finally:
            check.slots.release()
    else:
        reason = "earlier checks of it are still waiting"
    found[check.key] = Result(check, not reason, reason, round((time.monotonic() - started) * 1000))
