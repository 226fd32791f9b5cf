import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx";
import { images } from "../../../ci/src/versions.ts";
import { provideImages } from "../../../tests/stack/tools.ts";
import { root } from "../module.ts";
import type { Case, Figure } from "./figures.ts";
import type { StepTimes } from "./steps-session.ts";

/** The measured times, each with its goal. */
const rows: { key: keyof StepTimes; name: string; goal: Case["goal"]; why?: string }[] = [
  { key: "cached", name: "a step that is cached", goal: { of: "value", atMost: 10 } },
  { key: "fresh", name: "a new trivial step", goal: { of: "ratio", atMost: 1.3 } },
  { key: "files", name: "20 files of 1 MB in, a step, and out", goal: undefined },
];

/** Runs the measuring programs with a new, empty cache, and reads their times. */
class Programs {
  private readonly folder = mkdtempSync(join(tmpdir(), "stackline-steps-"));
  private readonly mark = randomBytes(6).toString("hex");

  async session(kind: "new" | "cached"): Promise<StepTimes> {
    return this.run(["scripts/dagger", "run", "--"], "steps-session.ts", this.mark, kind);
  }

  async docker(): Promise<StepTimes> {
    return this.run([], "steps-docker.ts");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async run(within: string[], program: string, ...args: string[]): Promise<StepTimes> {
    const file = join(this.folder, "times.json");
    const tsx = join(root, "node_modules", ".bin", "tsx");
    const command = [...within, tsx, join(root, "scripts", "lib", "bench", program), file, ...args];
    const env = { ...process.env, STACKLINE_CACHE: join(this.folder, "cache"), CI: "true" };
    await $({ quiet: true, cwd: root, env })`${command}`;
    return JSON.parse(readFileSync(file, "utf8"));
  }
}

export const steps: Figure = {
  key: "c",
  title: "The engine's overhead",
  how: `A chain of 50 steps that do nothing, on \`${images.node}\`, through the SDK in an open session, against the Docker CLI: \`docker run\`, \`docker commit\` and \`docker rm\`, and \`docker cp\` for files. A cached step has no peer.`,
  async run(rounds) {
    await provideImages();
    await $({ quiet: true, cwd: root })`scripts/images ${images.node}`;
    const cases = rows.map(({ key, name, goal, why }): Case => {
      const peers: Record<string, number[]> = key === "cached" ? {} : { "docker commands": [] };
      return { name, unit: "ms", ours: [], peers, ...(goal && { goal }), ...(why && { why }) };
    });
    for (const _ of rounds) {
      const programs = new Programs();
      const ours = { ...(await programs.session("new")), ...(await programs.session("cached")) };
      const plain = await programs.docker();
      programs.remove();
      for (const [i, { key }] of rows.entries()) {
        cases[i]?.ours.push(ours[key]);
        cases[i]?.peers["docker commands"]?.push(plain[key]);
      }
    }
    return cases;
  },
};
