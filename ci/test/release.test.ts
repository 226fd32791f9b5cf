import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "../../scripts/lib/module.ts";
import { parseEnvironment } from "../src/site/environment.ts";
import { onOrOff } from "../src/site/maintenance.ts";
import { requireDigest } from "../src/site/registry.ts";
import { releaseSettings } from "../src/site/release.ts";
import { parseSecrets } from "../src/site/secrets.ts";
import { sshConfig } from "../src/site/ssh-config.ts";
import { generateKeyPair } from "../src/site/ssh-keys.ts";

const hostKey = `ssh-rsa ${"A".repeat(68)}`;
const environment = (more: object = {}) =>
  parseEnvironment(
    "prod",
    JSON.stringify({ host: "vm", user: "deploy", hostKey, repository: "you/app", ...more }),
  );
const settings = (more: object = {}): string[] =>
  releaseSettings(environment(more), { image: "you/app@sha256:1", backup: true, sent: 1 }).split("\n");

describe("a release's settings", () => {
  test("contain the site's host name and origin, and HTTPS if its URL does", () => {
    const lines = settings({ url: "https://shop.example.com" });
    expect(lines).toContain("ALLOWED_HOSTS=localhost,127.0.0.1,[::1],app,nginx,shop.example.com");
    expect(lines).toContain("CSRF_TRUSTED_ORIGINS=https://shop.example.com");
    expect(lines).toContain("HTTPS=true");
    expect(settings({ url: "http://shop.example.com" })).toContain("HTTPS=false");
  });

  test("contain those of the scripts on the machine", () => {
    const lines = settings({ appPatience: 300, diskLeast: 5000, checkHost: "shop.example.com" });
    expect(lines).toContain("STACKLINE_APP_PATIENCE=300");
    expect(settings({ requestGrace: 90, taskGrace: 3600 })).toEqual(
      expect.arrayContaining(["STACKLINE_REQUEST_GRACE=90", "STACKLINE_TASK_GRACE=3600"]),
    );
    expect(lines).toContain("STACKLINE_DISK_LEAST=5000");
    expect(lines).toContain("STACKLINE_CHECK_HOST=shop.example.com");
    expect(settings({ lockTimeout: 5, statementTimeout: 600, migrationTries: 3 })).toEqual(
      expect.arrayContaining([
        "STACKLINE_LOCK_TIMEOUT=5",
        "STACKLINE_STATEMENT_TIMEOUT=600",
        "STACKLINE_MIGRATION_TRIES=3",
      ]),
    );
  });

  test("are overridden by the environment's own settings", () => {
    const lines = settings({ url: "https://shop.example.com", settings: { HTTPS: "false" } });
    expect(lines.filter((line) => line.startsWith("HTTPS="))).toEqual(["HTTPS=false"]);
  });
});

describe("--secrets", () => {
  const enough = "POSTGRES_DB=a\nPOSTGRES_USER=b\nPOSTGRES_PASSWORD=c\nSECRET_KEY=d\n";

  test("are NAME=VALUE lines; quotes are removed, nothing is expanded", () => {
    const values = parseSecrets(`# comment\n\nexport API_TOKEN='it''s $HOME'\n${enough}SECRET_KEY="x=y"\r\n`);
    expect(values.get("API_TOKEN")).toBe("it''s $HOME");
    expect(values.get("SECRET_KEY")).toBe("x=y");
    expect(values.get("DATABASE_HOST")).toBe("postgres");
  });

  test("that are incomplete are rejected with the missing names", () => {
    expect(() => parseSecrets("POSTGRES_DB=a\nPOSTGRES_USER=\n")).toThrow(
      "--secrets: missing or empty: POSTGRES_USER, POSTGRES_PASSWORD",
    );
  });

  test("may be those of an application that knows only the nine variables of the contract", () => {
    const values = parseSecrets("POSTGRES_DB=a\nPOSTGRES_USER=b\nPOSTGRES_PASSWORD=c\n");
    expect([values.get("REDIS_PASSWORD"), values.get("SECRET_KEY")]).toEqual(["", ""]);
  });

  test("that are invalid are rejected without printing their value", () => {
    expect(() => parseSecrets(`${enough}a hidden word`)).toThrow(/^--secrets: line 5 is not NAME=VALUE/);
  });
});

describe("the SSH connection", () => {
  test("accepts only the pinned type of host key and never prompts", () => {
    const config = sshConfig(environment({ port: 2222 }));
    expect(config).toContain("HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256\n");
    expect(config).toContain("StrictHostKeyChecking yes\n");
    expect(config).toContain("BatchMode yes\n");
    expect(config).toContain("Port 2222\n");
  });

  const hasSshKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;

  describe.skipIf(!hasSshKeygen)("with a key", () => {
    let folder: string;
    const keygen = (...args: string[]): string =>
      execFileSync("ssh-keygen", [...args, "-f", join(folder, "key")], { encoding: "utf8", stdio: "pipe" });
    const callerOfKey = (): string =>
      execFileSync("sh", ["-euc", `. "$1"; work=$2; caller_of_key`, "sh", script, folder], {
        encoding: "utf8",
      });
    const script = join(root, "scripts/host/lib/ssh.sh");

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "stackline-key-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    test("of a disposable VM: the generated public key matches the private key", () => {
      const { privateKey, publicKey } = generateKeyPair();
      writeFileSync(join(folder, "key"), privateKey, { mode: 0o600 });
      expect(keygen("-y").trim()).toBe(publicKey);
    });

    test.each([
      ["alice@laptop", "alice@laptop\n"],
      ["deploy key (prod)", "deploy key (prod)\n"],
      ["", /^SHA256:[\w+/]{43}\n$/],
    ])("identifies the caller by its comment %j, or else by its fingerprint", (comment, caller) => {
      keygen("-q", "-t", "ed25519", "-N", "", "-C", comment);
      rmSync(join(folder, "key.pub"));
      expect(callerOfKey()).toEqual(typeof caller === "string" ? caller : expect.stringMatching(caller));
    });

    test("in PEM identifies the caller by its fingerprint", () => {
      writeFileSync(join(folder, "key"), generateKeyPair().privateKey, { mode: 0o600 });
      expect(callerOfKey()).toMatch(/^SHA256:[\w+/]{43}\n$/);
    });

    test("that is invalid identifies nobody and prints nothing of itself", () => {
      writeFileSync(join(folder, "key"), "not a key\n", { mode: 0o600 });
      expect(callerOfKey()).toBe("");
    });
  });
});

describe("arguments", () => {
  test("an image is deployed only by digest", () => {
    expect(() => requireDigest("you/app:latest")).toThrow(/not a reference by digest: give NAME@sha256/);
    expect(requireDigest(`you/app@sha256:${"a".repeat(64)}`)).toBe(`you/app@sha256:${"a".repeat(64)}`);
  });

  test("maintenance is either on or off", () => {
    expect(onOrOff(true, false)).toBe("on");
    expect(() => onOrOff(true, true)).toThrow("either --on or --off");
    expect(() => onOrOff(false, false)).toThrow("either --on or --off");
  });
});
