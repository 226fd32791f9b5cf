import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Results that files of the group share, so that not each of them builds everything anew. */
    sharedCache: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "stackline-shared-cache-"));
  project.provide("sharedCache", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
