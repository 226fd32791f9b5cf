/** @module-tag slow */

import { createHash, createHmac } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { $ } from "zx";
import { provideImage } from "../../engine/src/images/index.ts";
import { untilItAnswers } from "../../engine/test/answers.ts";
import { images } from "../src/versions.ts";
import { docker, root, scratchFolder } from "./support.ts";

const directory = scratchFolder();
const host = join(directory, "releases", "now", "host");
const backups = join(directory, "backups");
const settings = join(directory, "s3.env");
/** Folder of the object store. */
const kept = join(directory, "store", "backups", "prod");
const secret = "canary-of-the-object-store";
const key = "canary-of-the-signatures-32-characters";
const keyFile = join(directory, "secrets", "backup-1", "BACKUP_KEY");
let store: Docker.Container;
let endpoint: string;

/** rclone's S3 server for a folder. */
beforeAll(async () => {
  const { id } = await provideImage(docker, images.rclone, () => undefined);
  for (const folder of [host, backups, kept]) mkdirSync(folder, { recursive: true });
  cpSync(join(root, "scripts/host"), host, { recursive: true });
  mkdirSync(join(keyFile, ".."), { recursive: true });
  writeFileSync(join(host, "../release.env"), "SECRETS_OF_BACKUP=/backup-1\n");
  store = await docker.createContainer({
    Image: id,
    Cmd: [
      "serve",
      "s3",
      "--addr",
      ":8080",
      "--auth-key",
      `somebody,${secret}`,
      "--dir-cache-time",
      "0s",
      "/store",
    ],
    HostConfig: { Binds: [`${join(directory, "store")}:/store`] },
  });
  await store.start();
  endpoint = await untilItAnswers(
    store,
    ({ NetworkSettings }) => `http://${NetworkSettings.Networks.bridge?.IPAddress}:8080`,
  );
});

afterAll(() => store?.remove({ force: true, v: true }));

beforeEach(() => configure());

function configure(changes: Record<string, string> = {}, mode = 0o400): void {
  writeFileSync(keyFile, key);
  const values = {
    S3_BUCKET: "backups/prod",
    S3_ENDPOINT: endpoint,
    S3_REGION: "eu-central-1",
    S3_ACCESS_KEY_ID: "somebody",
    S3_SECRET_ACCESS_KEY: secret,
    ...changes,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  if (existsSync(settings)) chmodSync(settings, 0o600);
  writeFileSync(settings, lines.join(""));
  chmodSync(settings, mode);
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function makeBackup(name: string, uploads: readonly string[] = []): Promise<string> {
  writeFileSync(join(backups, `${name}.dump`), `dump ${name} `.repeat(100_000));
  mkdirSync(join(backups, "uploads"), { recursive: true });
  for (const text of uploads) writeFileSync(join(backups, "uploads", sha256(text)), text);
  const lines = uploads.map((text, at) => `${sha256(text)} ${text.length} 1.5 public/media/${at}.txt\n`);
  if (lines.length > 0) writeFileSync(join(backups, `${name}.uploads`), lines.join(""));
  const files = lines.length > 0 ? [`${name}.dump`, `${name}.uploads`] : [`${name}.dump`];
  await $({ quiet: true, cwd: backups })`sha256sum ${files} > ${name}.dump.sha256`;
  return join(backups, `${name}.dump`);
}

async function s3(...args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const run = await $({ quiet: true, nothrow: true })`bash ${join(host, "s3")} ${args}`;
  return { exitCode: run.exitCode, output: run.stdall };
}

/** Everything that any user of this machine can see of containers and processes. */
async function visible(): Promise<string> {
  const containers = await docker.listContainers({ filters: { ancestor: [images.rclone] } });
  const others = containers.filter(({ Id }) => Id !== store.id);
  const seen = await Promise.all(
    others.map(({ Id }) =>
      docker
        .getContainer(Id)
        .inspect()
        .then(JSON.stringify, () => ""),
    ),
  );
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const lines = processes.map((id) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, "utf8");
    } catch {
      return "";
    }
  });
  return [...seen, ...lines.filter((line) => !line.includes("--auth-key"))].join("\n");
}

describe("scripts/host/s3", () => {
  test("uploads a backup with its checksum without exposing its credentials", async () => {
    const file = await makeBackup("20260101T000000Z");
    let done = false;
    const run = s3("put", file).finally(() => {
      done = true;
    });
    const sights: string[] = [];
    while (!done) {
      sights.push(await visible());
      await sleep(50);
    }
    const { exitCode, output } = await run;
    expect(exitCode, output).toBe(0);
    expect(readFileSync(join(kept, "20260101T000000Z.dump"))).toEqual(readFileSync(file));
    const checksum = readFileSync(join(kept, "20260101T000000Z.dump.sha256"));
    expect(readFileSync(join(kept, "20260101T000000Z.dump.mac"), "utf8").trim()).toBe(
      createHmac("sha256", key).update(checksum).digest("hex"),
    );
    expect(sights.some((sight) => sight.includes("rclone.conf"))).toBe(true);
    expect(sights.filter((sight) => sight.includes(secret) || sight.includes(key))).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.startsWith(".rclone"))).toEqual([]);
  });

  test("downloads what was uploaded", async () => {
    const into = join(directory, "got");
    const { exitCode, output } = await s3("get", "20260101T000000Z", into);
    expect(exitCode, output).toBe(0);
    expect(readdirSync(into).sort()).toEqual(["20260101T000000Z.dump", "20260101T000000Z.dump.sha256"]);
    expect(readFileSync(join(into, "20260101T000000Z.dump"))).toEqual(
      readFileSync(join(backups, "20260101T000000Z.dump")),
    );
  });

  test("retains the newest backups, each with its checksum", async () => {
    configure({ S3_KEEP: "2" });
    for (const name of ["20260102T000000Z", "20260103T000000Z"])
      expect((await s3("put", await makeBackup(name))).exitCode).toBe(0);
    expect((await s3("list")).output).toBe("20260102T000000Z\n20260103T000000Z\n");
    expect(readdirSync(kept).sort()).toEqual(
      ["20260102T000000Z", "20260103T000000Z"].flatMap((name) => [
        `${name}.dump`,
        `${name}.dump.mac`,
        `${name}.dump.sha256`,
      ]),
    );
  });

  test("rejects a backup that was damaged in the store and deletes the download", async () => {
    writeFileSync(join(kept, "20260102T000000Z.dump"), "rotten");
    const into = join(directory, "damaged");
    const { exitCode, output } = await s3("get", "20260102T000000Z", into);
    expect(exitCode).toBe(1);
    expect(output).toMatch(/FAILED: 20260102T000000Z in backups\/prod is damaged/);
    expect(readdirSync(into)).toEqual([]);
  });

  /** What somebody can do who may write to the store but has no key. */
  function forge(name: string, dump: string, mac?: string): void {
    writeFileSync(join(kept, `${name}.dump`), dump);
    const sum = sha256(dump);
    writeFileSync(join(kept, `${name}.dump.sha256`), `${sum}  ${name}.dump\n`);
    if (mac !== undefined) writeFileSync(join(kept, `${name}.dump.mac`), mac);
  }

  const ends = ["", ".sha256", ".mac"];
  function rename(from: string, to: string): void {
    for (const end of ends) cpSync(join(kept, `${from}.dump${end}`), join(kept, `${to}.dump${end}`));
  }

  test.each<[string, () => void, RegExp]>([
    [
      "has no signature",
      () => forge("forged", "x"),
      /forged in backups\/prod has no signature: .*s3 sign forged/,
    ],
    [
      "has an empty signature",
      () => forge("forged", "x", ""),
      /is not signed with this environment's BACKUP_KEY/,
    ],
    [
      "is signed with another key",
      () => forge("forged", "x", createHmac("sha256", "another").update("x").digest("hex")),
      /is not signed with this environment's BACKUP_KEY/,
    ],
    [
      "is a signed one under another name",
      () => rename("20260103T000000Z", "forged"),
      /forged in backups\/prod is damaged/,
    ],
    [
      "has the signature of another one",
      () => {
        rename("20260103T000000Z", "forged");
        forge("forged", "x");
      },
      /is not signed with this environment's BACKUP_KEY/,
    ],
  ])("rejects a backup that %s, and keeps nothing of it", async (_, put, message) => {
    for (const end of ends) rmSync(join(kept, `forged.dump${end}`), { force: true });
    put();
    const into = join(directory, "forged");
    const { exitCode, output } = await s3("get", "forged", into);
    expect(exitCode).toBe(1);
    expect(output).toMatch(message);
    expect(output).not.toContain(key);
    expect(readdirSync(into)).toEqual([]);
  });

  test("signs a backup from before there was a key, if one says so", async () => {
    forge("early", "sound");
    const into = join(directory, "early");
    expect((await s3("get", "early", into)).exitCode).toBe(1);
    expect(await s3("sign", "early")).toEqual({ exitCode: 0, output: "signed early in backups/prod\n" });
    expect((await s3("get", "early", into)).exitCode).toBe(0);
    expect(readFileSync(join(into, "early.dump"), "utf8")).toBe("sound");
  });

  test("uploads nothing without a key", async () => {
    const file = await makeBackup("20260104T000000Z");
    writeFileSync(keyFile, "too short");
    const { exitCode, output } = await s3("put", file);
    expect(exitCode).toBe(1);
    expect(output).toMatch(/secrets have no BACKUP_KEY of at least 32 characters/);
    expect(readdirSync(kept)).not.toContain("20260104T000000Z.dump");
  });

  test.each([
    [
      "a backup that is not there",
      ["get", "never", join(directory, "none")],
      {},
      /there is no backup 'never' in/,
    ],
    [
      "a wrong secret",
      ["list"],
      { S3_SECRET_ACCESS_KEY: "not-the-secret" },
      /SignatureDoesNotMatch|Forbidden|403/,
    ],
    ["a name that is a pattern", ["get", "*", join(directory, "none")], {}, /'\*' is no name of a backup/],
    ["a store that is away", ["list"], { S3_ENDPOINT: "http://127.0.0.1:9" }, /connection refused/],
    [
      "a bucket that is none",
      ["list"],
      { S3_BUCKET: "Not A Bucket" },
      /S3_BUCKET is 'Not A Bucket'; it must be/,
    ],
  ])("fails for %s, and repeats no secret", async (_, args, changes, message) => {
    configure(changes);
    const { exitCode, output } = await s3(...args);
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(message);
    expect(output).not.toMatch(/not-the-secret|canary/);
  });

  test("takes a settings file with CRLF line ends", async () => {
    chmodSync(settings, 0o600);
    writeFileSync(settings, readFileSync(settings, "utf8").replaceAll("\n", "\r\n"));
    chmodSync(settings, 0o400);
    const { exitCode, output } = await s3("list");
    expect(exitCode, output).toBe(0);
  });

  test("rejects a settings file that others can read", async () => {
    configure({}, 0o644);
    const { exitCode, output } = await s3("list");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/s3\.env is readable by other users: chmod 0400/);
  });

  test("has each upload once, downloads what is missing, and removes what no backup has any more", {
    timeout: 300_000,
  }, async () => {
    configure({ S3_KEEP: "1" });
    rmSync(kept, { recursive: true });
    mkdirSync(kept);
    const stored = (): string[] => readdirSync(join(kept, "uploads")).sort();
    const first = await s3("put", await makeBackup("20260201T100000Z", ["old", "both"]));
    expect(first.exitCode, first.output).toBe(0);
    expect(stored()).toEqual(["old", "both"].map(sha256).sort());
    const second = await s3("put", await makeBackup("20260201T200000Z", ["both", "new"]));
    expect(second.exitCode, second.output).toBe(0);
    expect(stored()).toEqual(["both", "new"].map(sha256).sort());

    const into = join(directory, "got-uploads");
    mkdirSync(join(into, "uploads"), { recursive: true });
    writeFileSync(join(into, "uploads", sha256("both")), "both");
    const got = await s3("get", "20260201T200000Z", into);
    expect(got.exitCode, got.output).toBe(0);
    expect(readFileSync(join(into, "uploads", sha256("new")), "utf8")).toBe("new");
    expect(readdirSync(into)).toContain("20260201T200000Z.uploads");

    writeFileSync(join(kept, "uploads", sha256("new")), "NEW");
    const damaged = await s3("get", "20260201T200000Z", join(directory, "got-damaged"));
    expect(damaged.exitCode).toBe(1);
    expect(damaged.output).toMatch(
      /20260201T200000Z in backups\/prod is damaged: uploads\/[0-9a-f]{64} is not/,
    );
  });
});
