import { cpSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/module.ts";

/** An application that knows only the nine variables of the contract: old Django, psycopg2 from source, no hashes. */
export const nineVariables = join(root, "ci/test/fixtures/nine-variables");

/** Copies it to a folder. */
export function copyNineVariables(app: string): void {
  cpSync(nineVariables, app, { recursive: true });
}
