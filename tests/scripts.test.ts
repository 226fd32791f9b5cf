import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
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
