import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Cache that the group's files share, so that not each of them builds everything again. */
    sharedCache: string;
  }
}

/** scripts/test names a cache that its groups share, with STACKLINE_TEST_CACHE. */
export default function setup(project: TestProject): () => void {
  const given = process.env.STACKLINE_TEST_CACHE;
  const folder = given ?? mkdtempSync(join(tmpdir(), "stackline-shared-cache-"));
  project.provide("sharedCache", folder);
  return () => {
    if (given === undefined) rmSync(folder, { recursive: true, force: true });
  };
}
