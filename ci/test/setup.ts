import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A cache that the files of the group share, so that they do not all build everything. */
    sharedCache: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "stackline-shared-cache-"));
  project.provide("sharedCache", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
