import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../src/docker/duration.ts";
import { maskedTexts } from "../src/docker/masks.ts";
import { followOutput, textSink } from "../src/docker/output.ts";
import { Scrubber } from "../src/docker/scrubber.ts";

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

  it("masks a secret that is not text", () => {
    const key = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0xa0]);
    const scrubber = new Scrubber([key]);
    const bytes = Buffer.concat([Buffer.from("<"), key, Buffer.from([0xff, 0x3e])]);
    expect(Buffer.concat([scrubber.push(bytes), scrubber.end()]).toString("latin1")).toBe("<***\xff>");
  });

  it("masks a secret that is printed without its trailing newline", () => {
    expect(scrubbed(["token\n"], "<token>")).toEqual(["<***>"]);
    expect(scrubbed(["line one\nline two"], "line one\nline two\n")).toEqual(["***\n"]);
  });

  it("masks the values in a secret of several lines, wherever they occur and however the output is split", () => {
    const secret = "POSTGRES_DB=app\nPASSWORD=correct-horse\nTOKEN='battery staple'\n";
    const text = "B=correct-horse C=battery staple\nPASSWORD=correct-horse\napp correct-hors battery";
    expect(scrubbed([secret], text)).toEqual(["B=*** C=***\n***\napp correct-hors battery"]);
    expect(scrubbed([secret], secret)).toEqual(["***"]);
  });

  it("masks each line of a key", () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\r\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    expect(scrubbed([key], "x\n-----BEGIN KEY-----\nkqhkiG9w0BAQEF\n")).toEqual([
      "x\n-----BEGIN KEY-----\n***\n",
    ]);
  });

  it("keeps pace with a secret of thousands of lines", { timeout: 120_000 }, () => {
    const lines = Array.from({ length: 8_000 }, (_, i) => `value-${(i * 7_919 + 1e6).toString(36)}`);
    const scrubber = new Scrubber([lines.join("\n")]);
    const began = Date.now();
    const shown = new Set(lines.map((line) => scrubber.push(Buffer.from(`<${line}>\n`)).toString()));
    expect([...shown]).toEqual(["<***>\n"]);
    // A fraction of a second; a search for each line in turn takes minutes.
    expect(Date.now() - began).toBeLessThan(60_000);
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

describe("the masked texts of a secret", () => {
  it.each([
    ["the whole secret, however short", "abc", ["abc"]],
    ["the secret without its line end", " abc\n", ["abc"]],
    ["a line", "first line\nsecond", ["first line"]],
    ["a value", "NAME=long-value", ["long-value"]],
    ["a value after export", "x\nexport NAME=long-value", ["long-value"]],
    ["a quoted value", `x\nNAME="long value"`, ["long value"]],
    ["a value before a comment", "x\nNAME=long-value # comment", ["long-value"]],
    ["a value in YAML", "x\npassword: long-value", ["long-value"]],
    ["a value in JSON", `{\n  "password": "long-value",\n}`, ["long-value"]],
    [
      "a line of a key in JSON",
      `{\n"private_key": "-----BEGIN-----\\nMIIEvQIBADANBg\\n"}`,
      ["MIIEvQIBADANBg"],
    ],
    ["a password in netrc", "machine host login me password long-value", ["long-value"]],
    ["a password in a URL", "x\nDATABASE_URL=postgres://me:long-value@host/db", ["long-value"]],
  ])("contain %s", (_, secret, texts) => {
    expect(maskedTexts(secret)).toEqual(expect.arrayContaining(texts));
  });

  it.each([
    ["a short value, which is part of ordinary output", "POSTGRES_DB=orders\nx", "orders"],
    ["a name", "POSTGRES_PASSWORD=long-value\nx", "POSTGRES_PASSWORD"],
    ["the frame of a key", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg", "-----BEGIN PRIVATE KEY-----"],
    ["nothing at all", "\n \n", ""],
  ])("do not contain %s", (_, secret, text) => {
    expect(maskedTexts(secret)).not.toContain(text);
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

it.each(["0s", "500ms", "1s", "25s", "1.5s", "1m0s", "1m30s", "2h45m0s", "1h0m3s"])(
  "the duration %s is written as Go writes it",
  (text) => {
    expect(formatDuration(parseDuration(text))).toBe(text);
  },
);
