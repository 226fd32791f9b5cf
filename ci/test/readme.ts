import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/module.ts";

/** A block of commands in the README, and its mark. */
export interface Block {
  text: string;
  /** "run", "run by: FILE" or "needs an account: WHAT"; undefined without a mark. */
  mark: string | undefined;
}

/** The README's `sh` blocks. The mark is an HTML comment above the block, which is not rendered. */
export function readmeBlocks(): Block[] {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const blocks = readme.matchAll(/(?:<!-- (.+?) -->\n\s*)?^( *)```sh\n([\s\S]*?)^ *```/gm);
  return [...blocks].map(([, mark, indent = "", text = ""]) => ({
    mark,
    text: text.replace(new RegExp(`^${indent}`, "gm"), ""),
  }));
}
