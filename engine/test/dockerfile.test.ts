// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile.
import { describe, expect, it } from "vitest";
import { baseImages } from "../src/docker/build.ts";

const cases: [rule: string, text: string, bases: string[]][] = [
  ["each FROM counts once", "FROM a\nFROM b AS x\nFROM a", ["a", "b"]],
  [
    "own stages and scratch do not",
    "FROM a AS one\nFROM one AS two\nFROM scratch\nCOPY --from=two / /",
    ["a"],
  ],
  ["stage names know no case", "FROM a AS Build\nFROM build", ["a"]],
  ["options and case of the word do not matter", "from --platform=linux/amd64 a:1 as x", ["a:1"]],
  [
    "COPY --from of an image does, of a number does not",
    "FROM a\nCOPY --from=b:2 /x /y\nCOPY --chown=1 --from=0 /x /y",
    ["a", "b:2"],
  ],
  ["a mount's image does", "FROM a\nRUN --mount=type=bind,from=c:3,target=/c true", ["a", "c:3"]],
  ["arguments are filled in", "ARG V=1\nFROM a:${V}\nFROM b:$V", ["a:1", "b:1"]],
  ["defaults within braces, too", "FROM a:${V:-2}\nARG W\nFROM b:${W:-3}", ["a:2", "b:3"]],
  ["quotes around them are not part of them", 'ARG V="1"\nFROM a:$V', ["a:1"]],
  ["comments and continued lines are read as Docker does", "# FROM no\nFROM \\\n  a\n", ["a"]],
];

describe("images that a Dockerfile starts from", () => {
  it.each(cases)("%s", (_rule, text, bases) => {
    expect(baseImages(text)).toEqual(bases);
  });

  it("take the build arguments that were given", () => {
    expect(baseImages("ARG V=1\nFROM a:$V", [{ name: "V", value: "9" }])).toEqual(["a:9"]);
    expect(baseImages("FROM a:${V:-1}", [{ name: "V", value: "9" }])).toEqual(["a:1"]);
  });
});
