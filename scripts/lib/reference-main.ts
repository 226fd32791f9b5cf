// Regenerates the functions of docs/reference.md. Called by scripts/reference.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { functionsOfModule, root } from "./module.ts";
import { withFunctions } from "./reference.ts";

const path = join(root, "docs", "reference.md");
const text = await withFunctions(readFileSync(path, "utf8"), await functionsOfModule());
writeFileSync(path, text);
process.exit();
