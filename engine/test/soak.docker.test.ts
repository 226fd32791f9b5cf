/** @module-tag slow */

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { expect } from "vitest";
import { commandLine, expectOneLine, sample, whatFailed } from "./command.ts";
import { PrivateDaemon } from "./daemon.ts";
import { soak } from "./soak.ts";
import { IMAGE, temporaryFolder, withSession } from "./support.ts";
import { asRoot } from "./user.ts";

/** Kills an engine or its dockerd; more runs: `npx tsx engine/test/soak-main.ts 200`. */
async function survives(runs: number): Promise<void> {
  await withSession({ storePath: temporaryFolder() }, ({ client }) => client.container().from(IMAGE).sync());
  const { problems } = await soak(runs, () => undefined);
  expect(problems).toEqual([]);
}

const rule = "a killed engine or dockerd leaves nothing, and the next run succeeds";
asRoot(rule, { timeout: 600_000 }, () => survives(8));
asRoot(`${rule}, in 200 runs`, { timeout: 3_600_000, tags: ["release"] }, () => survives(200));

asRoot("a dockerd killed during a step is reported in one line with exit code 1", async () => {
  const daemon = new PrivateDaemon();
  await daemon.start();
  try {
    await daemon.load([IMAGE]);
    const docker = new Docker({ socketPath: daemon.socket });
    const step = ["call", "base", "with-exec", "--args=sleep,600", "stdout"];
    const child = spawn(...commandLine(["-m", sample, ...step]), {
      env: { ...daemon.env, STACKLINE_CACHE: temporaryFolder() },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const said = text(child.stderr);
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    await expect.poll(async () => (await docker.listContainers()).length, { timeout: 60_000 }).toBe(1);
    await daemon.kill();
    expectOneLine(
      { code: await ended, said: whatFailed(await said) },
      /^Error: Docker does not answer .*: start it/,
    );
  } finally {
    await daemon.stop();
  }
});
