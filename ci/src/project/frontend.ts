import { posix } from "node:path";
import { type Fact, guessed } from "./fact.js";
import { type Files, folderOf, lineOf } from "./files.js";
import { tableAt } from "./manifests.js";
import type { Frontend } from "./project.js";

const locks: [name: string, manager: Frontend["manager"]][] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
  ["package-lock.json", "npm"],
];

/** Scripts that build for production, in the order of preference. */
const scripts = ["build", "build:prod", "build:production", "production", "prod"];

/** The front end: the package.json nearest to the top that has a script for a build. */
export async function findFrontend(files: Files): Promise<Fact<Frontend> | undefined> {
  const paths = files
    .named("package.json")
    .filter(
      (path) =>
        !/(^|\/)([^/]*[-_])?(tests?|fixtures|docs?|examples?|e2e|vendors?|third_party|static|staticfiles)\//.test(
          path,
        ),
    );
  for (const path of paths) {
    const given = tableAt(await files.json(path).catch(() => ({})), "scripts");
    const script = scripts.find((name) => typeof given[name] === "string");
    if (script === undefined) continue;
    const folder = folderOf(path);
    const [, manager = "npm" as const] = locks.find(([name]) => files.has(posix.join(folder, name))) ?? [];
    const line = lineOf(await files.text(path), `"${script}":`);
    return guessed({ folder: folder || ".", manager, script }, { file: path, line });
  }
  return undefined;
}
