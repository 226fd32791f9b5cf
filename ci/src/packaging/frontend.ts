import { posix } from "node:path";
import { type Container, type Directory, dag } from "@dagger.io/dagger";
import { describePlace } from "../project/fact.js";
import type { Project } from "../project/project.js";
import { images } from "../versions.js";

const installers: Record<NonNullable<Project["frontend"]>["value"]["manager"], string[][]> = {
  // `npm ci` requires a lock file.
  npm: [["sh", "-c", "npm $([ -f package-lock.json ] && echo ci || echo install) --no-audit --no-fund"]],
  yarn: [
    ["corepack", "enable"],
    ["yarn", "install", "--immutable"],
  ],
  pnpm: [
    ["corepack", "enable"],
    ["pnpm", "install", "--frozen-lockfile"],
  ],
  bun: [
    ["npm", "install", "--global", "bun"],
    ["bun", "install", "--frozen-lockfile"],
  ],
};

/** The project with what the build script of its front end adds to it, if it has one. */
export function buildFrontend(app: Directory, { frontend }: Project): Directory {
  if (!frontend) return app;
  const { folder, manager, script } = frontend.value;
  const advised = (command: string[]): string[] => withAdvice(command, frontend);
  const inside = posix.join("/app", folder);
  const declared = app
    .directory(folder)
    .filter({ include: ["package.json", "*lock*", ".npmrc", ".yarnrc*", "pnpm-workspace.yaml"] });
  const installed = installers[manager].reduce<Container>(
    (container, command) => container.withExec(advised(command)),
    dag
      .container()
      .from(images.node)
      .withMountedCache("/root/.npm", dag.cacheVolume("stackline-npm"))
      .withDirectory(inside, declared)
      .withWorkdir(inside),
  );
  return installed
    .withDirectory("/app", app, { exclude: ["**/node_modules"] })
    .withExec(advised([manager, "run", script]))
    .directory("/app")
    .filter({ exclude: ["**/node_modules"] });
}

/** The same command, which says after a failure who asked for it, and how to leave it out. */
export function withAdvice(command: string[], frontend: NonNullable<Project["frontend"]>): string[] {
  const { folder, manager, script } = frontend.value;
  const line = `the front end in ${folder} (${describePlace(frontend)}) cannot be built with \`${manager} run ${script}\`: name another, or leave it out, in stackline.json: {"frontend": false}`;
  return ["sh", "-c", `"$@" || { echo "$0" >&2; exit 1; }`, line, ...command];
}
