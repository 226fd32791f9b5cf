import { describe, expect, test } from "vitest";
import { chooseMoves } from "../src/pipeline/moving-tags.ts";
import { pushAll } from "../src/pipeline/push.ts";
import { cutLineEnd, refusalOf } from "../src/pipeline/registry.ts";
import { compareVersions, formatVersion, parseVersion, requireVersion } from "../src/pipeline/semver.ts";

describe("versions", () => {
  test("are ordered by precedence", () => {
    const ordered = [
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "v1.2.0",
      "1.10.0",
      "v2.0.0-rc.1",
      "2.0.0",
    ];
    const shuffled = [...ordered].sort();
    expect(shuffled.sort((a, b) => compareVersions(requireVersion(a), requireVersion(b)))).toEqual(ordered);
  });

  test("are equal without prefix and build metadata", () => {
    expect(compareVersions(requireVersion("v1.4.2+5"), requireVersion("1.4.2"))).toBe(0);
    expect(formatVersion(requireVersion("v1.4.2-rc.1+5"))).toBe("1.4.2-rc.1");
  });

  test.each(["1.4", "v1", "1.4.2.3", "01.4.2", "1.4.2-", "latest", ""])("%j is none", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });
});

describe("moving tags", () => {
  const tags = ["1.3", "1", "latest"];
  const has = (versions: Record<string, string>) =>
    new Map(Object.entries(versions).map(([tag, version]) => [tag, { version }]));

  test("move forward, and to the same version", () => {
    const found = has({ "1.3": "v1.3.8", "1": "1.3.9", latest: "0.9.0" });
    expect(chooseMoves("v1.3.9", tags, found, false)).toEqual({ tags, notes: [] });
  });

  test("stay at a newer version, and say so", () => {
    const found = has({ "1.3": "v1.3.8", "1": "v1.4.6", latest: "v2.0.0" });
    const { tags: moved, notes } = chooseMoves("v1.3.9", tags, found, false);
    expect(moved).toEqual(["1.3"]);
    expect(notes).toEqual([
      "the tag 1 stays: it is at 1.4.6, which is newer than 1.3.9; --move-back moves it",
      "the tag latest stays: it is at 2.0.0, which is newer than 1.3.9; --move-back moves it",
    ]);
  });

  test("stay at an image that does not name its version", () => {
    const { tags: moved, notes } = chooseMoves("1.3.9", tags, has({ latest: "" }), false);
    expect(moved).toEqual(["1.3", "1"]);
    expect(notes[0]).toMatch(/latest stays: its image does not name its version/);
  });

  test("move back on request", () => {
    const found = has({ "1": "v1.4.6", latest: "" });
    expect(chooseMoves("v1.3.9", tags, found, true)).toEqual({ tags, notes: [] });
  });
});

describe("a push under several tags", () => {
  /** A registry that refuses some tags. */
  function registry(...refused: string[]) {
    const pushed: string[] = [];
    const push = async (address: string): Promise<string> => {
      const tag = address.split(":").at(-1) as string;
      if (refused.includes(tag)) throw new Error(`${tag} is immutable`);
      pushed.push(tag);
      return `${address}@sha256:0a`;
    };
    return { pushed, push };
  }
  const all = { repository: "host:5000/team/app", fixed: ["1.4.3", "main"], moving: ["1.4", "1", "latest"] };

  test("returns the reference by digest", async () => {
    const { pushed, push } = registry();
    expect(await pushAll({ ...all, push })).toBe("host:5000/team/app@sha256:0a");
    expect(pushed).toEqual(["1.4.3", "main", "1.4", "1", "latest"]);
  });

  test("lists what is pushed, with the digest, when a moving tag is refused", async () => {
    const { push } = registry("latest");
    await expect(pushAll({ ...all, push })).rejects.toThrow(
      "latest is not pushed (latest is immutable); pushed: 1.4.3, main, 1.4, 1 as host:5000/team/app@sha256:0a; --no-moving-tags leaves out 1.4, 1 and latest",
    );
  });

  test("moves no tag when another is refused", async () => {
    const { pushed, push } = registry("main");
    await expect(pushAll({ ...all, push })).rejects.toThrow(
      "main is not pushed (main is immutable); pushed: 1.4.3 as host:5000/team/app@sha256:0a",
    );
    expect(pushed).toEqual(["1.4.3"]);
  });

  test("says that nothing is pushed when the first is refused", async () => {
    const { pushed, push } = registry("1.4.3");
    await expect(pushAll({ ...all, push })).rejects.toThrow("(1.4.3 is immutable); nothing is pushed");
    expect(pushed).toEqual([]);
  });

  test("pushes nothing if there is no tag", async () => {
    expect(await pushAll({ ...all, push: registry().push, fixed: [], moving: [] })).toBeUndefined();
  });
});

describe("an account", () => {
  test.each([
    ["secret\n", "secret"],
    ["secret\r\n", "secret"],
    ["secret\n\n", "secret\n"],
    [" secret ", " secret "],
    ["secret\r", "secret\r"],
    ["secret", "secret"],
  ])("loses exactly one line end of the password %j", (text, expected) => {
    expect(cutLineEnd(text)).toBe(expected);
  });

  test.each([
    [
      "127.0.0.1:5000/app:1 can't be pulled from 127.0.0.1:5000: manifest unknown: manifest unknown",
      "missing",
    ],
    [
      'failed to resolve image "docker.io/you/app:1" (platform: "linux/amd64"): docker.io/you/app:1: not found',
      "missing",
    ],
    ["name unknown: repository name not known to registry", "missing"],
    [
      "pull access denied, repository does not exist or may require authorization: insufficient_scope",
      "unreadable",
    ],
    ["unauthorized: authentication required", "other"],
    ["unexpected status from HEAD request to https://host/v2/app/manifests/1: 401 Unauthorized", "other"],
    ["unauthorized: incorrect username or password", "other"],
    ["dial tcp: lookup host: no such host", "other"],
  ])("told %j finds the image %s", (message, kind) => {
    expect(refusalOf(message)).toBe(kind);
  });
});
