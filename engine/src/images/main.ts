import { connectDocker } from "../client/connect.ts";
import { provideImage } from "./index.ts";
import { usedImages } from "./recipes.ts";

/** `scripts/images [REF...]`: provides the named images, by default all images that the project uses. */
async function main(refs: readonly string[]): Promise<number> {
  const docker = connectDocker();
  const results = await Promise.allSettled(
    refs.map(async (ref) => {
      const { standIn } = await provideImage(docker, ref, console.error);
      console.log(`${ref}: ${standIn ?? "upstream image"}`);
    }),
  );
  const failures = results.filter((result) => result.status === "rejected");
  for (const { reason } of failures) console.error(reason instanceof Error ? reason.message : reason);
  return failures.length > 0 ? 1 : 0;
}

// process.exit, unlike a signal, triggers the clean-up of temporary folders and running commands.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const args = process.argv.slice(2);
process.exitCode = await main(args.length > 0 ? args : usedImages);
