"""Runs the tests in a child process, and writes the report whether it ends by itself or is killed."""

import faulthandler
import json
import os
import pathlib
import re
import select
import signal
import tempfile
import time

from stackline_junit import FAILED, write_report
from stackline_output import Ends
from stackline_watchdog import Watchdog, expired, place, send

# Bytes of each end of the output that the pipeline returns.
OUTPUT_KEPT = 512 * 1024
# Bytes of the output that explain a run without results.
CAUSE_KEPT = 16_384
# Seconds for output of processes that the tests left behind.
PATIENCE = 1
OUTPUT_FILE = pathlib.Path(tempfile.gettempdir(), "stackline-test-output.txt")
# Seconds that a test may take; 0 for any number.
LIMIT = float(os.environ.get("TEST_TIMEOUT") or 0)
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def supervise(run, report=None, explain=lambda: ""):
    """Runs `run` in a child process, writes its report, if one is wanted, and returns the exit code.

    `explain` is asked for the reason, in one line, if no test could start.
    """
    started = time.time()
    with tempfile.TemporaryFile() as journal:
        os.environ["STACKLINE_JOURNAL"] = str(journal.fileno())
        source, sink = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(source)
            return in_child(run, sink)
        os.close(sink)
        watchdog = Watchdog(child, journal, LIMIT, lambda line: write_all(f"{line}\n".encode()))
        output, status = follow(child, source, watchdog)
        journal.seek(0)
        cases, running, is_finished = read_journal(journal)
    ending = describe_end(status, running, is_finished)
    if watchdog.has_expired:
        ending = expired(LIMIT, running, is_finished, bool(cases)) + place(kept_end(output))
    elif status and not ending and all(case["outcome"] == "error" for case in cases):
        ending = explain()
    if ending:
        say(ending, output)
    has_reason = not ending and any(case["outcome"] in FAILED for case in cases)
    if (ending or status != 0) and not has_reason:
        cases.append(broken(ending, running, output, started))
    if report:
        write_report(report, cases)
    OUTPUT_FILE.write_text(bounded(output), "utf-8")
    return 1 if ending else os.WEXITSTATUS(status)


def in_child(run, sink):
    for stream in (1, 2):
        os.dup2(sink, stream)
    os.close(sink)
    # The Python traceback of a crash.
    faulthandler.enable()
    return run()


def follow(child, source, watchdog):
    """Passes the child's output on until it has ended; returns what is kept of it, and its wait status."""
    forward_signals(child)
    output = Ends(b"", OUTPUT_KEPT)
    status, until = None, None
    # A process that the tests left behind may hold the pipe open.
    while until is None or time.monotonic() < until:
        is_ready = select.select([source], [], [], 0.2)[0]
        chunk = os.read(source, 65_536) if is_ready else b""
        output.add(chunk)
        write_all(chunk)
        if is_ready and not chunk:
            break
        if status is None:
            watchdog.look()
            ended, found = os.waitpid(child, os.WNOHANG)
            if ended:
                status, until = found, time.monotonic() + PATIENCE
    os.close(source)
    while status is None:
        watchdog.look()
        ended, found = os.waitpid(child, os.WNOHANG)
        if ended:
            status = found
        else:
            time.sleep(0.1)
    return output, status


def forward_signals(child):
    """A terminal sends Ctrl-C to both processes; everything else reaches only this one."""
    for number in FORWARDED:
        from_terminal = number == signal.SIGINT and os.isatty(0)
        signal.signal(number, signal.SIG_IGN if from_terminal else lambda got, _: send(child, got))


def write_all(data):
    while data:
        data = data[os.write(1, data) :]


def read_journal(lines):
    """The finished tests, the one that was running at the end, and whether the run came to its end."""
    cases, running, is_finished = [], None, False
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # The process was killed while it wrote.
        kind = record.pop("kind")
        if kind == "ended":
            cases.append(record)
        is_finished = is_finished or kind == "finished"
        running = record if kind == "started" else None if kind == "stopped" else running
    return cases, running, is_finished


def describe_end(status, running, is_finished):
    """How the process ended, if not as it should; "" otherwise, also if its own output tells the reason."""
    where = " while {class}.{name} ran".format(**running) if running else ""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"the test process was killed by signal {number} ({signal.Signals(number).name}){where}"
    code = os.WEXITSTATUS(status)
    # From 128 on, an exit code looks like a signal.
    if running or code > 127 or (code == 0 and not is_finished):
        return f"the test process ended with exit code {code}{where or ' before all tests had run'}"
    return ""


def say(line, output):
    data = f"\n{line}\n".encode("utf-8", "backslashreplace")
    output.add(data)
    write_all(data)


def broken(ending, running, output, started):
    """An error in place of the results that are missing: of the test that ran, or of the whole run."""
    text = kept_end(output)
    said = [line for line in text.splitlines() if line.strip() and not line.startswith("coverage:")]
    file, line = last_frame(text)
    place = running or {"class": "manage", "name": "test", "file": file, "line": line}
    begun = place.get("started", started)
    return {
        **place,
        "outcome": "error",
        "type": "killed" if running else "broken",
        "message": ending or (said[-1][:1_000] if said else "the tests did not start"),
        "text": text,
        "started": begun,
        "seconds": time.time() - begun,
    }


def kept_end(output):
    head, tail, _ = output.ends()
    return (head + tail)[-CAUSE_KEPT:].decode("utf-8", "backslashreplace")


def last_frame(text):
    """File and line of the last frame of a traceback that is in the application."""
    here = re.escape(os.getcwd())
    found = re.findall(rf'^  File "{here}/(.+?)", line (\d+)', text, re.MULTILINE)
    return (found[-1][0], int(found[-1][1])) if found else ("manage.py", None)


def bounded(output):
    head, tail, cut = output.ends()
    note = f"\n[... {cut} bytes of output cut here; the run printed all of it ...]\n".encode() if cut else b""
    return (head + note + tail).decode("utf-8", "replace")
