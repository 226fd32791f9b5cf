import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";

/** Removes the images of the steps that a test's store knows: the store goes, and nothing else would find them. */
export async function removeStepImages(docker: Docker, storePath: string): Promise<void> {
  const folder = join(storePath, "results", "execs");
  if (!existsSync(folder)) return;
  const records = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  await Promise.allSettled(
    // Latest first is not known here: an image that another is made on goes in a later round, or stays.
    [...records, ...records].map(({ image }: { image: string }) =>
      docker.getImage(image).remove({ noprune: true } as never),
    ),
  );
}
