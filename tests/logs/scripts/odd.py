"""Problematic log lines, between two normal ones."""

import sys
import time
import traceback

out = sys.stdout.buffer


def write(data: bytes) -> None:
    out.write(data)
    out.flush()


def fail():
    try:
        try:
            {}["missing"]
        except KeyError:
            raise ValueError("second")
    except ValueError:
        traceback.print_exc()


write(b"first\n")
write(b"long " + b"x" * 40_000 + b" end\n")
fail()
time.sleep(0.5)
sys.stderr.write("on stderr\n")
write("half a character \N{EURO SIGN}".encode()[:-1] + b" and \xff\xfe\n")
write(b"huge " + b"y" * 10_000_000 + b" end\n")
write(b"noise " + bytes(byte for byte in range(256) if byte != 10) + b" end\n")
write(b'{"message": "half of an object\n')
write(b"last\n")
