import { cp, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** Copies the Node.js that runs this process, and the host's npm, into the build context as `node` and `npm/`. */
export const prepareNode: Prepare = async (context) => {
  await cp(process.execPath, join(context, "node"));
  const cli = await realpath((await run("sh", ["-c", "command -v npm"])).trim());
  await cp(dirname(dirname(cli)), join(context, "npm"), { recursive: true, filter: isNeeded });
};

const isNeeded = (path: string): boolean => !/\/npm\/(docs|man|test)(\/|$)/.test(path);
