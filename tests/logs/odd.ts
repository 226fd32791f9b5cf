import { beforeAll, describe, expect, test } from "vitest";
import { sleep } from "../stack/production.ts";
import type { Stage } from "./stage.ts";
import type { Line } from "./store.ts";

/** The largest record, in bytes of text, in steps of Docker's 16 KiB pieces. */
const LONGEST = 250_000;

/** The lines of scripts/odd.py. */
export function odd(stage: Stage): void {
  describe("a line that nobody should write", { tags: ["slow"] }, () => {
    let lines: Line[] = [];
    const starting = (start: string) => lines.filter(({ message }) => message.startsWith(start));

    beforeAll(async () => {
      await stage.fresh();
      await stage.begin(["odd"]);
      const isLast = (line: Line) => line.message === "last";
      for (let tries = 0; tries < 60 && !lines.some(isLast); tries++) {
        await sleep(500);
        lines = await stage.store.read("odd");
      }
      // Joined lines arrive slightly later than others.
      await sleep(5000);
      lines = await stage.store.read("odd");
    });

    test("stops nothing: the lines before and after arrive", () => {
      expect(["first", "on stderr", "last"].map((text) => starting(text).length)).toEqual([1, 1, 1]);
    });

    test("of 40 KB is one record", () => {
      expect(starting("long ").map(({ message }) => message)).toEqual([`long ${"x".repeat(40_000)} end`]);
    });

    test("is one record of level error when it belongs to a traceback, chained ones with it", () => {
      const [traceback, ...more] = starting("Traceback");
      expect(more).toEqual([]);
      expect(traceback?.message.match(/^Traceback/gm)).toHaveLength(2);
      expect(traceback?.message).toMatch(/^KeyError: 'missing'$/m);
      expect(traceback?.message).toMatch(/ValueError: second$/);
      expect(traceback?.fields.level).toBe("error");
    });

    test("with invalid UTF-8 has replacement characters in its place", () => {
      expect(starting("half a").map(({ message }) => message)).toEqual([
        "half a character \uFFFD\uFFFD and \uFFFD\uFFFD",
      ]);
    });

    test("of 10 MB is whole, in pieces", () => {
      const pieces = lines.filter(
        ({ message }) => /^(huge )?y{1000}/.test(message) || /^y* end$/.test(message),
      );
      console.log(`10 MB in ${pieces.length} pieces`);
      expect(pieces.reduce((sum, { message }) => sum + message.length, 0)).toBe(
        "huge  end".length + 10_000_000,
      );
      expect(Math.max(...lines.map(({ message }) => message.length))).toBeLessThanOrEqual(LONGEST);
    });

    test("of binary noise is a record", () => {
      const [noise] = starting("noise ");
      expect(noise?.message).toContain("ABCDEFGHIJ");
      expect(noise?.message).toMatch(/ end$/);
    });

    test("that only begins like JSON stays as it is", () => {
      expect(starting('{"message"').map(({ message }) => message)).toEqual([
        '{"message": "half of an object',
      ]);
    });
  });
}
