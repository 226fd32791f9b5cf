"""Ends a run in which a test takes too long, with the stacks of all threads of all its processes."""

import contextlib
import json
import os
import re
import signal
import time

# Seconds between lines that say which test is running.
NOTICE = 60
# Seconds for a process's stacks after SIGABRT: faulthandler prints them even if C code blocks Python.
GRACE = 5


class Watchdog:
    """Looks at the journal of a run. Each record is progress: a test that began or ended."""

    def __init__(self, child, journal, limit, notify):
        self.child, self.journal, self.limit, self.notify = child, journal.fileno(), limit, notify
        self.size, self.since, self.notified = 0, time.monotonic(), 0
        self.has_expired, self.left, self.aborted = False, [], None

    def look(self):
        """To be called several times a second while the child runs."""
        now = time.monotonic()
        size = os.fstat(self.journal).st_size
        if size != self.size:
            self.size, self.since, self.notified = size, now, 0
        waited = now - self.since
        if self.has_expired:
            self._end(now)
        elif self.limit and waited > self.limit:
            # The test may run in a process of its own (--parallel). Children first: a pool replaces them.
            self.has_expired, self.left = True, [self.child, *descendants(self.child)]
            for process in self.left:
                send(process, signal.SIGSTOP)
            self._end(now)
        elif waited // NOTICE > self.notified:
            self.notified = waited // NOTICE
            self.notify(f"[{self._running()}: {waited:.0f} s]")

    def _running(self):
        # Not through the file's position, which the child shares.
        records = os.pread(self.journal, self.size, 0).splitlines()
        last = json.loads(records[-1]) if records else {}
        return "{class}.{name}".format(**last) if last.get("kind") == "started" else "no test is running"

    def _end(self, now):
        """Aborts one process after the other, because stacks printed at once mix, then kills what is left.

        The others are stopped until it is their turn: a test that waited for one that has ended would go on.
        """
        if self.aborted and is_running(self.aborted) and now - self.since < GRACE:
            return
        self.since = now
        if self.left:
            self.aborted = self.left.pop()
            send(self.aborted, signal.SIGABRT)
            send(self.aborted, signal.SIGCONT)
            return
        for process in [*reversed(descendants(self.child)), self.child]:
            send(process, signal.SIGKILL)


def send(process, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def is_running(process):
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


def descendants(process):
    """The children of a process, their children, and so on."""
    children = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    return [*children, *(each for child in children for each in descendants(child))]


def expired(limit, running, is_finished, has_begun):
    """Why the run was ended, in one line."""
    if running:
        what = "{class}.{name} was still running after {limit:g} s".format(**running, limit=limit)
    elif is_finished:
        what = f"the test process did not end within {limit:g} s of the last test"
    elif has_begun:
        what = f"no test ran for {limit:g} s: a fixture of a class or module takes too long"
    else:
        what = f"no test had begun after {limit:g} s"
    return f"TIMEOUT {what}, so the run was ended (--timeout)"


def place(text):
    """Where the application was when its stacks were printed: a line, or nothing."""
    stacks = re.split(r"^(?:Current thread|Thread) 0x.*$", text, flags=re.MULTILINE)[1:]
    here = re.escape(os.getcwd())
    for is_test in (True, False):
        for stack in reversed(stacks):
            frame = re.search(rf'^  File "{here}/(.+?)", line (\d+) in (.+)$', stack, re.MULTILINE)
            if frame and ("unittest" in stack) >= is_test:
                return "\n    at {}:{} in {}".format(*frame.groups())
    return ""
