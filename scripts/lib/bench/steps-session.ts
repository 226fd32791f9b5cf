// Measures steps in the surrounding session: dagger run -- tsx steps-session.ts FILE MARK new|cached
// The same MARK means the same steps, in any session.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Container, connection, dag } from "@dagger.io/dagger";
import { images } from "../../../ci/src/versions.ts";
import { seconds } from "./figures.ts";

/** Milliseconds: for a cached step, for a new step, for all files. */
export interface StepTimes {
  cached: number;
  fresh: number;
  files: number;
}

export const STEPS = 50;
export const FILES = 20;

/** A folder of new random files. */
export function freshFiles(): string {
  const folder = mkdtempSync(join(tmpdir(), "stackline-files-"));
  for (let n = 0; n < FILES; n++) writeFileSync(join(folder, String(n)), randomBytes(2 ** 20));
  return folder;
}

function chain(base: Container, mark: string): Container {
  return Array.from({ length: STEPS }).reduce<Container>(
    (container, _, n) => container.withExec(["sh", "-c", `: ${mark} ${n}`]),
    base,
  );
}

/** New steps, and a transfer of files in and out. */
async function measureNew(base: Container, mark: string): Promise<Partial<StepTimes>> {
  const fresh = await seconds(() => chain(base, mark).sync());
  const folder = freshFiles();
  const files = await seconds(() =>
    base
      .withMountedDirectory("/files", dag.host().directory(folder))
      .withExec(["sh", "-c", "touch /files/new"])
      .directory("/files")
      .export(join(folder, "out")),
  );
  rmSync(folder, { recursive: true });
  return { fresh: (fresh * 1000) / STEPS, files: files * 1000 };
}

/** Steps that an earlier session has run. */
async function measureCached(base: Container, mark: string): Promise<Partial<StepTimes>> {
  return { cached: ((await seconds(() => chain(base, mark).sync())) * 1000) / STEPS };
}

async function main(file: string, mark: string, kind: string): Promise<void> {
  const base = dag.container().from(images.node);
  await base.sync();
  const measure = kind === "cached" ? measureCached : measureNew;
  writeFileSync(file, JSON.stringify(await measure(base, mark)));
}

if (process.argv[1]?.endsWith("steps-session.ts")) {
  const [file, mark, kind] = process.argv.slice(2) as [string, string, string];
  await connection(() => main(file, mark, kind));
}
