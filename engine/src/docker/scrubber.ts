import { isUtf8 } from "node:buffer";
import { maskedTexts } from "./masks.ts";

/** Longest start by which values are looked up, in bytes: a secret can have thousands of lines, too many for a pattern. */
const LONGEST_START = 4;

/** From so many starts on, a lookup at each place is faster than a pattern. */
const MANY_STARTS = 5_000;

/**
 * Masks secrets in a stream of bytes, also when a value is split over two chunks. Output need not be text, so it is
 * matched byte by byte (as Latin-1); other bytes pass unchanged.
 */
export class Scrubber {
  private held = "";
  /** Values by their first bytes, the longest first. */
  private readonly values = new Map<string, string[]>();
  private readonly startLength: number;
  /** Finds where a value may begin. */
  private readonly pattern?: RegExp;
  /** What the end of a chunk may be that is too short to be looked up. */
  private readonly beginnings: Set<string>;

  constructor(secrets: readonly (Buffer | string)[]) {
    const all = [...new Set(secrets.flatMap((secret) => maskedBytes(Buffer.from(secret))))].sort(
      (a, b) => b.length - a.length,
    );
    this.startLength = Math.min(LONGEST_START, all.at(-1)?.length ?? 0);
    for (const value of all) {
      const start = value.slice(0, this.startLength);
      this.values.set(start, [...(this.values.get(start) ?? []), value]);
    }
    const starts = [...this.values.keys()];
    if (starts.length > 0) this.pattern = anyOf(starts);
    this.beginnings = new Set(
      starts.flatMap((start) => [...start].map((_, i) => start.slice(0, i)).slice(1)),
    );
  }

  push(chunk: Buffer): Buffer {
    return this.pattern ? this.take(this.held + chunk.toString("latin1"), false) : chunk;
  }

  /** Returns the bytes held back as the possible start of a secret. */
  end(): Buffer {
    return this.take(this.held, true);
  }

  private take(text: string, isLast: boolean): Buffer {
    let result = "";
    let at = 0;
    for (let index = this.findStart(text, 0); index >= 0; ) {
      const values = this.valuesAt(text, index);
      if (!isLast && isUndecided(values, text.slice(index))) return this.hold(text, index, result, at);
      const value = values.find((item) => text.startsWith(item, index));
      if (value) {
        result += `${text.slice(at, index)}***`;
        at = index + value.length;
      }
      index = this.findStart(text, value ? at : index + 1);
    }
    return this.hold(text, isLast ? text.length : this.beginningAtEnd(text, at), result, at);
  }

  /** Keeps the text from `limit` on, which is not decided; returns what comes before it. */
  private hold(text: string, limit: number, result: string, at: number): Buffer {
    this.held = text.slice(limit);
    return Buffer.from(result + text.slice(at, limit), "latin1");
  }

  /** The next place from `from` on where a value may begin, or -1. */
  private findStart(text: string, from: number): number {
    if (!this.pattern) return -1;
    this.pattern.lastIndex = from;
    return this.pattern.exec(text)?.index ?? -1;
  }

  private valuesAt(text: string, index: number): string[] {
    return this.values.get(text.slice(index, index + this.startLength)) ?? [];
  }

  /** Where the last bytes may be the beginning of a value; the text's length if they are not. */
  private beginningAtEnd(text: string, from: number): number {
    let at = Math.max(from, text.length - this.startLength + 1);
    while (at < text.length && !this.beginnings.has(text.slice(at))) at++;
    return at;
  }
}

/** The values to mask of a secret, as Latin-1. */
function maskedBytes(secret: Buffer): string[] {
  const encoding = isUtf8(secret) ? "utf8" : "latin1";
  return maskedTexts(secret.toString(encoding)).map((value) =>
    Buffer.from(value, encoding).toString("latin1"),
  );
}

function anyOf(starts: readonly string[]): RegExp {
  if (starts.length >= MANY_STARTS) return /[\s\S]/g;
  const escaped = starts.map((start) => start.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(escaped.join("|"), "g");
}

/** Whether a longer text could become one of the values, or a longer one of them. */
function isUndecided(values: readonly string[], rest: string): boolean {
  return values.some((value) => value.length > rest.length && value.startsWith(rest));
}
