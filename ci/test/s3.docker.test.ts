/** @module-tag slow */

import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
let store: Docker.Container;
let endpoint: string;

/** rclone's S3 server for a folder. */
beforeAll(async () => {
  const { id } = await provideImage(docker, images.rclone, () => undefined);
  for (const folder of [host, backups, kept]) mkdirSync(folder, { recursive: true });
  cpSync(join(root, "scripts/host"), host, { recursive: true });
  store = await docker.createContainer({
    Image: id,
    Cmd: ["serve", "s3", "--addr", ":8080", "--auth-key", `somebody,${secret}`, "/store"],
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

async function makeBackup(name: string): Promise<string> {
  writeFileSync(join(backups, `${name}.dump`), `dump ${name} `.repeat(100_000));
  await $({ quiet: true, cwd: backups })`sha256sum ${name}.dump > ${name}.dump.sha256`;
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
    expect(existsSync(join(kept, "20260101T000000Z.dump.sha256"))).toBe(true);
    expect(sights.some((sight) => sight.includes("rclone.conf"))).toBe(true);
    expect(sights.filter((sight) => sight.includes(secret))).toEqual([]);
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
      ["20260102T000000Z", "20260103T000000Z"].flatMap((name) => [`${name}.dump`, `${name}.dump.sha256`]),
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
});
