"""Clients of a site, well-behaved and not: python clients.py KIND HOST PORT SECONDS prints what was counted, as JSON.

calm    50 requests per second, each on a connection of its own; everything but 200 counts as failed
bodies  24 uploads at a time: 4.9 MB with their length or chunked, 10 MB
heads   3,000 connections that send half of a request's head, 100 bytes or 24 KB, and open again when they are closed
pages   300 clients that request /checks/ again and again
"""

import asyncio
import collections
import itertools
import json
import sys
import time

KIND, HOST, PORT, SECONDS = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
RATE = 50
TIMEOUT = 30  # seconds, for busy machines
END = time.monotonic() + SECONDS
COUNTS = collections.Counter()
SLOWEST = [0.0]
BLOCK = b"x" * 49_000


async def connect():
    return await asyncio.wait_for(asyncio.open_connection(HOST, PORT), TIMEOUT)


async def status(reader):
    """The status of the response, or how the connection ended."""
    line = (await asyncio.wait_for(reader.readline(), TIMEOUT)).split()
    return line[1].decode() if len(line) > 1 else "closed"


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]).encode()


async def get(path):
    reader, writer = await connect()
    try:
        writer.write(head("GET", path))
        said = await status(reader)
        await asyncio.wait_for(reader.read(), TIMEOUT)
        return said
    finally:
        writer.close()


async def calm():
    async def one(path):
        started = time.monotonic()
        try:
            COUNTS[await get(path)] += 1
        except (OSError, asyncio.TimeoutError) as problem:
            COUNTS[type(problem).__name__] += 1
        SLOWEST[0] = max(SLOWEST[0], time.monotonic() - started)

    began, requests = time.monotonic(), []
    for number in range(int(RATE * SECONDS)):
        await asyncio.sleep(max(0, began + number / RATE - time.monotonic()))
        requests.append(asyncio.ensure_future(one("/admin/login/" if number % 10 == 0 else "/healthz/live")))
    await asyncio.gather(*requests)


async def again(one, kinds):
    """Repeats one attack in each of several places until the end."""

    async def repeat(kind):
        while time.monotonic() < END:
            try:
                COUNTS[await one(kind)] += 1
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as problem:
                COUNTS[type(problem).__name__] += 1
                await asyncio.sleep(0.05)

    await asyncio.wait([asyncio.ensure_future(repeat(kind)) for kind in kinds], timeout=SECONDS)


async def body(kind):
    reader, writer = await connect()
    try:
        blocks = 204 if kind == "large" else 100
        length = "Transfer-Encoding: chunked" if kind == "chunked" else f"Content-Length: {blocks * len(BLOCK)}"
        block = b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK) if kind == "chunked" else BLOCK
        writer.write(head("POST", "/orders/", length))
        for _ in range(blocks):
            writer.write(block)
            # A refused upload is not sent to its end.
            if reader.at_eof() or reader._buffer:
                break
            await asyncio.wait_for(writer.drain(), TIMEOUT)
            await asyncio.sleep(0.002)
        if kind == "chunked":
            writer.write(b"0\r\n\r\n")
        return await status(reader)
    finally:
        writer.close()


async def half(size):
    reader, writer = await connect()
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        writer.write(b"".join(b"X-%d: %s\r\n" % (n, b"y" * 6_000) for n in range(size // 6_000)) + b"X-Half: ")
        await asyncio.wait_for(reader.read(), 60)
        return "closed"
    finally:
        writer.close()


async def main():
    if KIND == "calm":
        await calm()
    elif KIND == "bodies":
        await again(body, itertools.islice(itertools.cycle(["sized", "chunked", "large"]), 24))
    elif KIND == "heads":
        await again(half, itertools.islice(itertools.cycle([100, 24_000]), 3000))
    else:
        await again(lambda _: get("/checks/"), range(300))
    print(json.dumps({"slowest": round(SLOWEST[0], 2), "counts": COUNTS}))
    sys.stdout.flush()


loop = asyncio.get_event_loop()
loop.set_exception_handler(lambda *_: None)
loop.run_until_complete(main())
