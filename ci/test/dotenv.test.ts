import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "dotenv";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { root } from "../../scripts/lib/module.ts";
import { parseValue } from "../src/site/dotenv.ts";

describe("a value of a NAME=VALUE line", () => {
  test.each([
    ["x # comment", "x"],
    ["x # it's a comment", "x"],
    [" # comment", ""],
    ['"x # y" # comment', "x # y"],
    ["'x#y'", "x#y"],
    ['`it\'s "so"`', 'it\'s "so"'],
    ["'it''s $HOME'", "it''s $HOME"],
    [" padded ", "padded"],
    ["it's", "it's"],
    ["a=b", "a=b"],
    ["a\\nb", "a\\nb"],
    ["'a\\nb'", "a\\nb"],
    ["", ""],
    ['""', ""],
  ])("%j is %j", (text, value) => {
    expect(parseValue(text)).toBe(value);
  });

  test.each([
    ["hidden#x", /has a "#" in its value.*put the value in quotes/],
    ["#hidden", /has a "#"/],
    ['"hidden', /is not closed/],
    ['"hidden" x # y', /is not closed, or text after it/],
    ['"hidden\\nx"', /a value is one line/],
  ])("%j is refused without being quoted", (text, message) => {
    expect(() => parseValue(text)).toThrow(message);
    expect(() => parseValue(text)).not.toThrow(/hidden/);
  });

  test("is what the dotenv library reads, or is refused", () => {
    const letters = ["a", "b", "#", " ", '"', "'", "`", "\\", "n", "$", "="];
    let [state, accepted] = [1, 0];
    const random = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: random(9) }, () => letters[random(letters.length)]).join("");
      let value: string;
      try {
        value = parseValue(text);
      } catch {
        continue;
      }
      accepted += 1;
      expect([text, value]).toEqual([text, parse(`NAME=${text}\n`).NAME]);
    }
    expect(accepted).toBeGreaterThan(5000);
  });

  test("reaches its file on the machine unchanged", () => {
    const values = ["x # y", "it's", '"quoted"', "a\\b", " padded ", "$HOME `id`", "a=b", ""];
    const folder = temporaryFolder();
    const lines = values.map((value, at) => `NAME_${at}=${value}\n`).join("");
    execFileSync("sh", [join(root, "scripts/host/place-secrets"), folder], { input: lines });
    const read = values.map((_, at) => readFileSync(join(folder, "own", `NAME_${at}`), "utf8"));
    expect(read).toEqual(values);
  });
});
