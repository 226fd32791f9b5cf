// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile.
import { describe, expect, it } from "vitest";
import { withoutUrls } from "../src/docker/add.ts";
import { baseImages } from "../src/docker/build.ts";
import { frontendOf } from "../src/docker/frontend.ts";

const cases: [rule: string, text: string, bases: string[]][] = [
  ["each base image is listed once", "FROM a\nFROM b AS x\nFROM a", ["a", "b"]],
  [
    "stages and scratch are not listed",
    "FROM a AS one\nFROM one AS two\nFROM scratch\nCOPY --from=two / /",
    ["a"],
  ],
  ["stage names are case-insensitive", "FROM a AS Build\nFROM build", ["a"]],
  ["FROM is case-insensitive and takes options", "from --platform=linux/amd64 a:1 as x", ["a:1"]],
  [
    "COPY --from lists an image, but not a stage number",
    "FROM a\nCOPY --from=b:2 /x /y\nCOPY --chown=1 --from=0 /x /y",
    ["a", "b:2"],
  ],
  ["RUN --mount lists its image", "FROM a\nRUN --mount=type=bind,from=c:3,target=/c true", ["a", "c:3"]],
  ["build arguments are expanded", "ARG V=1\nFROM a:${V}\nFROM b:$V", ["a:1", "b:1"]],
  ["defaults in braces are expanded", "FROM a:${V:-2}\nARG W\nFROM b:${W:-3}", ["a:2", "b:3"]],
  ["quotes around a value are removed", 'ARG V="1"\nFROM a:$V', ["a:1"]],
  ["comments and line continuations are parsed as Docker does", "# FROM no\nFROM \\\n  a\n", ["a"]],
];

describe("base images of a Dockerfile", () => {
  it.each(cases)("%s", (_rule, text, bases) => {
    expect(baseImages(text)).toEqual(bases);
  });

  it("use the given build arguments", () => {
    expect(baseImages("ARG V=1\nFROM a:$V", [{ name: "V", value: "9" }])).toEqual(["a:9"]);
    expect(baseImages("FROM a:${V:-1}", [{ name: "V", value: "9" }])).toEqual(["a:1"]);
  });
});

describe("the frontend of a Dockerfile", () => {
  const FROM = "FROM a\n";

  it.each([
    ["# syntax=docker/dockerfile:1\n", "docker/dockerfile:1", ""],
    ["#Syntax = docker/dockerfile:1.4 \n# a comment\n", "docker/dockerfile:1.4", "# a comment\n"],
    ["# escape=`\n# syntax=a/b\n\n", "a/b", "# escape=`\n\n"],
  ])("is named in the directives at its top: %j", (top, ref, rest) => {
    expect(frontendOf(top + FROM)).toEqual({ ref, rest: rest + FROM });
  });

  it.each(["", "# a comment\n# syntax=a/b\n", "\n# syntax=a/b\n", "# escape=`\n"])(
    "is none after any other line: %j",
    (top) => expect(frontendOf(top + FROM)).toBeUndefined(),
  );
});

describe("what a Dockerfile adds by URL", () => {
  const isService = (host: string): boolean => host === "files";

  it.each([
    ["ADD http://files/a.tar /b/", "COPY .stackline-add/0/a.tar /b/"],
    [
      "FROM a\n  add --chown=1 \\\n  http://files:8000/x/a?b=c local /b/\nRUN c",
      "FROM a\n  ADD --chown=1 local /b/\n  COPY --chown=1 .stackline-add/0/a /b/\nRUN c",
    ],
    [
      "ADD http://files/ /b/\nADD http://files/a /b/",
      "COPY .stackline-add/0/index /b/\nCOPY .stackline-add/1/a /b/",
    ],
  ])("is copied from the build context if its host is a service: %j", (text, rewritten) => {
    expect(withoutUrls(text, isService).text).toBe(rewritten);
  });

  it.each([
    "ADD a /b/",
    "ADD https://example.com/a /b",
    "ADDED http://files/a /b",
    "RUN ADD http://files/a /b",
  ])("stays if it is anything else: %j", (text) =>
    expect(withoutUrls(text, isService)).toEqual({ text, added: [] }),
  );
});
