import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx";
import { PROJECT } from "../stack/production.ts";
import { root } from "../stack/tools.ts";

/** Runs the query of `logs` with the machine's scripts, on a release with these settings. */
export async function askMachine(
  dockerHost: string,
  settings: string,
  args: readonly string[],
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "stackline-machine-"));
  try {
    mkdirSync(join(directory, "releases", "one"), { recursive: true });
    symlinkSync("releases/one", join(directory, "current"));
    writeFileSync(join(directory, "releases", "one", "release.env"), settings);
    const script = `set -euo pipefail
      here=${root}scripts/host directory=${directory}
      for part in say settings paths compose logs; do . "$here/lib/$part.sh"; done
      project=${PROJECT}
      query_logs "$@"`;
    const env = { ...process.env, DOCKER_HOST: dockerHost };
    return (await $({ quiet: true, env })`bash -c ${script} machine ${args}`).stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
