import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const script = fileURLToPath(new URL("../scripts/install-dagger", import.meta.url));
const text = readFileSync(script, "utf8");

let archive: Buffer;
let asked: string[] = [];
let server: Server;
beforeAll(async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "dagger"), "#!/bin/sh\necho the release\n");
  chmodSync(join(folder, "dagger"), 0o755);
  await run("tar", ["-czf", join(folder, "archive"), "-C", folder, "./dagger"]);
  archive = readFileSync(join(folder, "archive"));
  server = createServer(({ url = "" }, answer) => {
    asked.push(url);
    answer.writeHead(url.endsWith(".tar.gz") ? 200 : 404).end(archive);
  }).listen(0, "127.0.0.1");
  await new Promise((up) => server.once("listening", up));
});
afterAll(() => server.close());

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function run(command: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) =>
    execFile(command, args, { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    ),
  );
}

/** Runs the script, or a copy with another checksum, on the test's server. */
async function install(checksum?: string): Promise<Outcome & { folder: string }> {
  asked = [];
  const folder = temporaryFolder();
  const copy = join(temporaryFolder(), "install-dagger");
  writeFileSync(copy, checksum ? text.replace(/^[0-9a-f]{64} /gm, `${checksum} `) : text, { mode: 0o755 });
  const { port } = server.address() as AddressInfo;
  const env = { DAGGER_RELEASES: `http://127.0.0.1:${port}` };
  return { ...(await run(copy, [join(folder, "bin")], env)), folder };
}

describe.runIf(process.platform === "linux")("scripts/install-dagger", () => {
  it("refuses an archive whose checksum is not the release's, and installs nothing", async () => {
    const { code, stderr, folder } = await install();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^install-dagger: http:\S+\.tar\.gz does not have the checksum in \S+: nothing was installed\n$/,
    );
    expect(asked).toHaveLength(1);
    expect(existsSync(join(folder, "bin"))).toBe(false);
  });

  it("installs the one file of an archive with the right checksum, and leaves nothing else", async () => {
    const { code, stderr, folder } = await install(createHash("sha256").update(archive).digest("hex"));
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(readdirSync(join(folder, "bin"))).toEqual(["dagger"]);
    expect((await run(join(folder, "bin", "dagger"))).stdout).toBe("the release\n");
  });

  it("asks for the release that dagger.json names, for this machine's processor", async () => {
    const { engineVersion } = JSON.parse(readFileSync(join(script, "../../dagger.json"), "utf8"));
    const cpu = { x64: "amd64", arm64: "arm64" }[process.arch as string];
    await install();
    expect(asked).toEqual([`/${engineVersion.slice(1)}/dagger_${engineVersion}_linux_${cpu}.tar.gz`]);
  });

  it("has a checksum of its own for each processor", () => {
    const lines = [...text.matchAll(/^([0-9a-f]{64}) {2}dagger_(\S+)_linux_(\w+)\.tar\.gz$/gm)];
    expect(lines.map(([, , , cpu]) => cpu)).toEqual(["amd64", "arm64"]);
    expect(new Set(lines.map(([, checksum]) => checksum)).size).toBe(2);
    expect(new Set(lines.map(([, , version]) => version)).size).toBe(1);
  });
});
