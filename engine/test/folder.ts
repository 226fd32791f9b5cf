import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

function removeAll(): void {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
}

// A test runner ends its workers without their having a say: what it runs at a file's end counts.
if (process.env.VITEST) (await import("vitest")).afterAll(removeAll);
else process.once("exit", removeAll);

/** A folder that is gone when the test file has ended, or the process. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "stackline-test-"));
  made.push(path);
  return path;
}
