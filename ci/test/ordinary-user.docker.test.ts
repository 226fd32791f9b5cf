/** @module-tag slow */

import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { $ } from "zx";
import { readmeBlocks } from "./readme.ts";
import { root, scratchFolder } from "./support.ts";

const isRoot = process.getuid?.() === 0;
const USER = 54321;
const folder = scratchFolder();
const project = join(folder, "project");
const home = join(folder, "home");

/** A clean clone of the repository, without npm packages, and a home directory that nothing has used. */
beforeAll(async () => {
  if (!isRoot) return;
  chmodSync(folder, 0o755);
  for (const path of [project, home]) mkdirSync(path);
  await $({ quiet: true, cwd: root })`git ls-files -z | xargs -0 cp --parents -t ${project}`;
  await $`chown -R ${USER}:${USER} ${project} ${home}`;
});

test.runIf(isRoot)(
  "the README's first command works for an ordinary user of the group docker",
  { timeout: 900_000 },
  async () => {
    // Images are the machine's own business: an upstream image or a stand-in, for whoever asks.
    await $({ quiet: true, cwd: root })`scripts/images`;
    const command = readmeBlocks().find(({ mark }) => mark === "run")?.text ?? "";
    const socket = statSync(process.env.DOCKER_HOST?.replace(/^unix:\/\//, "") ?? "/var/run/docker.sock");
    const { PATH, DOCKER_HOST, NODE_EXTRA_CA_CERTS, npm_config_registry } = process.env;
    const env = { PATH, DOCKER_HOST, NODE_EXTRA_CA_CERTS, npm_config_registry, HOME: home, CI: "true" };
    const as = [`--reuid=${USER}`, `--regid=${USER}`, `--groups=${socket.gid}`];
    const run = await $({
      nothrow: true,
      quiet: true,
      cwd: project,
      env: { ...env, STACKLINE_ENGINE: "embedded" },
      stdio: ["ignore", "pipe", "pipe"],
    })`setpriv ${as} bash -euo pipefail -c ${command}`;
    expect(run.exitCode, run.stdall.slice(-3000)).toBe(0);
    expect(run.stdout).toMatch(/^Ran \d+ tests? in .*\n\nOK$/m);
  },
);
