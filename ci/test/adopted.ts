import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { adoptedTexts } from "../src/adopt/files.ts";
import { runners } from "../src/adopt/runner.ts";
import type { Project } from "../src/project/project.ts";
import type { Tree } from "./project-folders.ts";
import { root } from "./support.ts";

/** The texts of a folder's files. */
export function readTree(folder: string): Tree {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = paths.filter(
    (path) => statSync(join(folder, path)).isFile() && !path.includes("__pycache__"),
  );
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

/** What `adopt` tailors to a project. */
export function adopted(project: Project, module = "github.com/you/stackline"): Promise<Tree> {
  const read = async (path: string): Promise<string> => readFileSync(join(root, path), "utf8");
  return adoptedTexts({ project, module, runners: Object.values(runners), read });
}
