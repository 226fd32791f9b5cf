import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

function removeAll(): void {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
}

// Vitest ends its workers without an "exit" event, so remove the folders at the end of each file.
if (process.env.VITEST) (await import("vitest")).afterAll(removeAll);
else process.once("exit", removeAll);

/** A folder that is removed at the end of the test file or the process. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "stackline-test-"));
  made.push(path);
  return path;
}
