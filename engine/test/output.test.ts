import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { parseDuration } from "../src/docker/duration.ts";
import { followOutput, Scrubber, textSink } from "../src/docker/output.ts";

/** Output of a scrubber that gets `text` in pieces of every possible size. */
function scrubbed(secrets: string[], text: string): string[] {
  const bytes = Buffer.from(text);
  const results = new Set<string>();
  for (let size = 1; size <= bytes.length; size++) {
    const scrubber = new Scrubber(secrets);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(scrubber.push(bytes.subarray(at, at + size)));
    results.add(Buffer.concat([...pieces, scrubber.end()]).toString());
  }
  return [...results];
}

describe("a scrubber", () => {
  it("masks a secret however the output is split", () => {
    expect(scrubbed(["password"], "the password is password, passwor")).toEqual(["the *** is ***, passwor"]);
    expect(scrubbed(["aab"], "aaab aab aa")).toEqual(["a*** *** aa"]);
    expect(scrubbed(["pässwörd€"], "xpässwörd€y")).toEqual(["x***y"]);
  });

  it("masks the longer of two secrets with a common prefix", () => {
    expect(scrubbed(["abc", "abcdef"], "abcdef abcd abc")).toEqual(["*** ***d ***"]);
  });

  it("masks a secret that is printed without its trailing newline", () => {
    expect(scrubbed(["token\n"], "<token>")).toEqual(["<***>"]);
    expect(scrubbed(["line one\nline two"], "line one\nline two\n")).toEqual(["***\n"]);
  });

  it("matches secrets literally, and ignores empty ones", () => {
    expect(scrubbed(["a.c", "", " "], "abc a.c (x)")).toEqual(["abc *** (x)"]);
  });

  it("passes on every other byte, text or binary", () => {
    const bytes = Buffer.from([0, 255, 254, 10, 128]);
    const scrubber = new Scrubber(["secret"]);
    expect(Buffer.concat([scrubber.push(bytes), scrubber.end()])).toEqual(bytes);
  });

  it("does not delay output that cannot be part of a secret", () => {
    expect(new Scrubber(["secret"]).push(Buffer.from("line\n")).toString()).toBe("line\n");
    expect(new Scrubber([]).push(Buffer.from("s")).toString()).toBe("s");
  });
});

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

describe("Docker's stream", () => {
  it("is demultiplexed in order, however it is split", async () => {
    const bytes = Buffer.concat([frame(1, "out1 "), frame(2, "err "), frame(1, ""), frame(1, "out2 €")]);
    for (const size of [1, 3, 9, bytes.length]) {
      const stream = new PassThrough();
      const seen: string[] = [];
      const parts = { stdout: "", stderr: "" };
      const done = followOutput(stream, [], (name, part) => {
        if (seen[seen.length - 1] !== name) seen.push(name);
        parts[name] += part.toString("latin1");
      });
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
      stream.end();
      await done;
      expect(seen).toEqual(["stdout", "stderr", "stdout"]);
      expect(Buffer.from(parts.stdout, "latin1").toString()).toBe("out1 out2 €");
    }
  });

  it("handles 100,000 tiny frames", async () => {
    const stream = new PassThrough();
    let count = 0;
    const done = followOutput(stream, [], () => count++);
    stream.end(Buffer.concat(Array.from({ length: 100_000 }, () => frame(1, "x"))));
    await done;
    expect(count).toBe(100_000);
  });

  it("is decoded without splitting a character", () => {
    let text = "";
    const sink = textSink((piece) => {
      text += piece;
    });
    const bytes = Buffer.from("a€b");
    for (const byte of bytes) sink("stdout", Buffer.from([byte]));
    expect(text).toBe("a€b");
  });
});

describe("a duration", () => {
  it.each([
    ["", 0],
    ["0", 0],
    ["500ms", 500],
    ["1s", 1_000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["100µs", 0.1],
    ["2h45m", 9_900_000],
  ])("%s is %d ms", (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds);
  });

  it.each(["5", "1 s", "s", "1x", "-1s", "1s2"])("%s is rejected", (text) => {
    expect(() => parseDuration(text)).toThrow("write it like");
  });
});
