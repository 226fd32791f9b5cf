import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";

/** Removes the images of the steps in a test's store: once the store is deleted, nothing else would find them. */
export async function removeStepImages(docker: Docker, storePath: string): Promise<void> {
  const folder = join(storePath, "results", "execs");
  if (!existsSync(folder)) return;
  const records = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  await Promise.allSettled(
    // The order is unknown: an image that another builds on is removed in the second round, or stays.
    [...records, ...records].map(({ image }: { image: string }) =>
      docker.getImage(image).remove({ noprune: true } as never),
    ),
  );
}
