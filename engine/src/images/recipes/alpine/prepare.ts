import { run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";
import { prepareNode } from "../node/prepare.ts";

const YARN = "1.22.22";

/** Puts the host's Node.js and npm into the build context, and yarn: Debian's packages of them are hundreds. */
export const prepareAlpine: Prepare = async (context, report) => {
  await prepareNode(context, report);
  await run("npm", ["pack", "--silent", `--pack-destination=${context}`, `yarn@${YARN}`]);
};
