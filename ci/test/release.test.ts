import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rehearsalTable } from "../src/rehearsal/results.ts";
import { generateKeyPair } from "../src/rehearsal/ssh-keys.ts";
import { parseEnvironment } from "../src/site/environment.ts";
import { onOrOff } from "../src/site/maintenance.ts";
import { requireDigest } from "../src/site/registry.ts";
import { releaseSettings } from "../src/site/release.ts";
import { parseSecrets } from "../src/site/secrets.ts";
import { sshConfig } from "../src/site/ssh-config.ts";

const hostKey = `ssh-rsa ${"A".repeat(68)}`;
const environment = (more: object = {}) =>
  parseEnvironment(
    "prod",
    JSON.stringify({ host: "vm", user: "deploy", hostKey, repository: "you/app", ...more }),
  );
const settings = (more: object = {}): string[] =>
  releaseSettings(environment(more), { image: "you/app@sha256:1", backup: true, sent: 1 }).split("\n");

describe("a release's settings", () => {
  test("name the site and trust it, over TLS where its address says so", () => {
    const lines = settings({ url: "https://shop.example.com" });
    expect(lines).toContain("ALLOWED_HOSTS=localhost,127.0.0.1,[::1],app,nginx,shop.example.com");
    expect(lines).toContain("CSRF_TRUSTED_ORIGINS=https://shop.example.com");
    expect(lines).toContain("HTTPS=true");
    expect(settings({ url: "http://shop.example.com" })).toContain("HTTPS=false");
  });

  test("give the environment's own the last word", () => {
    const lines = settings({ url: "https://shop.example.com", settings: { HTTPS: "false" } });
    expect(lines.filter((line) => line.startsWith("HTTPS="))).toEqual(["HTTPS=false"]);
  });
});

describe("--secrets", () => {
  const enough = "POSTGRES_DB=a\nPOSTGRES_USER=b\nPOSTGRES_PASSWORD=c\nSECRET_KEY=d\n";

  test("are NAME=VALUE lines; what stands in quotes is taken out, nothing is expanded", () => {
    const values = parseSecrets(`# comment\n\nexport API_TOKEN='it''s $HOME'\n${enough}SECRET_KEY="x=y"\r\n`);
    expect(values.get("API_TOKEN")).toBe("it''s $HOME");
    expect(values.get("SECRET_KEY")).toBe("x=y");
    expect(values.get("DATABASE_HOST")).toBe("postgres");
  });

  test("that are incomplete are refused by name", () => {
    expect(() => parseSecrets("POSTGRES_DB=a\nPOSTGRES_USER=\n")).toThrow(
      "--secrets: missing or empty: POSTGRES_USER, POSTGRES_PASSWORD, SECRET_KEY",
    );
  });

  test("that are no lines are refused without a word of them", () => {
    expect(() => parseSecrets(`${enough}a hidden word`)).toThrow(/^--secrets: line 5 is not NAME=VALUE$/);
  });
});

describe("the way to a machine", () => {
  test("asks for no other kind of key than the one that is pinned, and never asks a person", () => {
    const config = sshConfig(environment({ port: 2222 }));
    expect(config).toContain("HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256\n");
    expect(config).toContain("StrictHostKeyChecking yes\n");
    expect(config).toContain("BatchMode yes\n");
    expect(config).toContain("Port 2222\n");
  });

  test("of a throwaway machine has keys that are pairs", () => {
    const { privateKey, publicKey } = generateKeyPair();
    const folder = mkdtempSync(join(tmpdir(), "stackline-key-"));
    writeFileSync(join(folder, "key"), privateKey, { mode: 0o600 });
    try {
      const derived = execFileSync("ssh-keygen", ["-y", "-f", join(folder, "key")], { encoding: "utf8" });
      expect(derived.trim()).toBe(publicKey);
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== "ENOENT") throw problem;
      console.log("not compared with ssh-keygen, which is not installed here");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("arguments", () => {
  test("an image is deployed by digest alone", () => {
    expect(() => requireDigest("you/app:latest")).toThrow(/no reference by digest: give NAME@sha256/);
    expect(requireDigest(`you/app@sha256:${"a".repeat(64)}`)).toBe(`you/app@sha256:${"a".repeat(64)}`);
  });

  test("maintenance is either on or off", () => {
    expect(onOrOff(true, false)).toBe("on");
    expect(() => onOrOff(true, true)).toThrow("either --on or --off");
    expect(() => onOrOff(false, false)).toThrow("either --on or --off");
  });
});

test("a rehearsal's table adds up what was counted", () => {
  const count = { maintenance: 0, sentAgain: 0, reasons: {}, median: 5, p99: 9 };
  const rows = [
    { name: "first", seconds: 1, outcome: "ok" },
    { name: "second", seconds: 2.25, outcome: "ok" },
    { name: "third", seconds: 3, outcome: "refused" },
  ];
  const counts = [
    { ...count, name: "second", sent: 10, failed: 1 },
    { ...count, name: "third", sent: 20, failed: 0 },
  ];
  const lines = rehearsalTable(rows, counts)
    .split("\n")
    .map((line) => line.split(/\s{2,}/));
  expect(lines[1]).toEqual(["first", "ok", "1.0", "-", "-", "-", "-", "-"]);
  expect(lines[2]).toEqual(["second", "ok", "2.3", "10", "1", "0", "5", "9"]);
  expect(lines[4]?.filter(Boolean)).toEqual(["all", "30", "1", "0"]);
});
