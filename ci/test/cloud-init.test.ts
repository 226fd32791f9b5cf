import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { cloudConfig } from "../src/site/cloud-init.js";

const host = new URL("../../scripts/host/", import.meta.url);
const parts = readdirSync(new URL("provisioning/", host)).map((name) => `provisioning/${name}`);
const files = ["provision", ...parts].map((path): [string, string] => [
  path,
  readFileSync(new URL(path, host), "utf8"),
]);

interface Config {
  write_files: { path: string; encoding: string; content: string }[];
  runcmd: string[][];
}
const parse = (text: string): Config => JSON.parse(text.replace(/^#cloud-config\n/, ""));

describe("user data", () => {
  test("contains the scripts that provision runs, within EC2's size limit", () => {
    const text = cloudConfig(files, ["--user", "deploy"]);
    expect(text.length).toBeLessThan(16_384);
    const { write_files: written, runcmd } = parse(text);
    const unpacked = written.map(({ content }) => gunzipSync(Buffer.from(content, "base64")).toString());
    expect(unpacked).toEqual(files.map(([, source]) => source));
    expect(runcmd).toEqual([["bash", "/var/lib/stackline/provision/provision", "--user", "deploy"]]);
  });

  test("is deterministic", () => {
    expect(cloudConfig(files, [])).toBe(cloudConfig(files, []));
  });

  test("that exceeds the limit is rejected", () => {
    const noise = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 65_521).toString(36)).join("");
    expect(() => cloudConfig([["noise", noise]], [])).toThrow(/bytes of user data are more than EC2's 16384/);
  });
});
