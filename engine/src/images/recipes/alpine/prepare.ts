import { join } from "node:path";
import { verifyDownloads } from "../../checksums.ts";
import { run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";
import { prepareNode } from "../node/prepare.ts";

const YARN = "1.22.22";

/** Adds the host's Node.js and npm, and yarn, to the build context: Debian's would be hundreds of packages. */
export const prepareAlpine: Prepare = async (context, report) => {
  await prepareNode(context, report);
  await run("npm", ["pack", "--silent", `--pack-destination=${context}`, `yarn@${YARN}`]);
  await verifyDownloads(context, join(context, "checksums"), (name) => name.endsWith(".tgz"));
};
