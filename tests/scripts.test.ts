import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const scripts = fileURLToPath(new URL("../scripts/", import.meta.url));
// dagger's help is the command line's own.
const names = readdirSync(scripts, { withFileTypes: true })
  .filter((item) => item.isFile() && item.name !== "dagger")
  .map(({ name }) => name);

it.each(names)("scripts/%s --help prints what the script is for, and does nothing else", (name) => {
  const folder = mkdtempSync(join(tmpdir(), "stackline-"));
  try {
    const [, purpose = ""] = readFileSync(join(scripts, name), "utf8").split("\n");
    const printed = execFileSync(join(scripts, name), ["--help"], { cwd: folder, encoding: "utf8" });
    expect(printed.split("\n")[0]).toBe(purpose.replace(/^# /, ""));
    expect(printed).not.toContain("set -euo");
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  [
    "panic: runtime error: index out of range [0] with length 0\n\ngoroutine 1 [running]:\ngithub.com/docker/libnetwork.New\n",
    /^panic: .* with length 0; its list of networks is broken: move \S+ away.* \(its log: .*\)\n$/,
  ],
  [
    "level=info\nfailed to start daemon: error initializing graphdriver\nlevel=info\n",
    /^failed to start daemon: error initializing graphdriver \(its log: .*\)\n$/,
  ],
  [
    "level=info msg=libnetwork\npanic: something else\n\ngoroutine 1 [running]:\nmain.main()\n",
    /^panic: something else \(its log: .*\)\n$/,
  ],
  ["level=info msg=first\nlevel=info msg=last\n", /^level=info msg=last \(its log: .*\)\n$/],
  ["", /^see journalctl -u docker\n$/],
])("a Docker that does not start says why in one line", (log, line) => {
  const folder = mkdtempSync(join(tmpdir(), "stackline-"));
  try {
    const path = join(folder, "dockerd.log");
    writeFileSync(path, log);
    const words = ["-c", `root=. . "${scripts}lib/setup.sh"; docker_words "$1"`, "bash", path];
    expect(execFileSync("bash", words, { encoding: "utf8" })).toMatch(line);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
