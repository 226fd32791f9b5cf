import type { Container, Directory, Secret } from "@dagger.io/dagger";
import { buildImage } from "./image.js";
import { imageTags, registryOf, requireRepository, type TagSources } from "./references.js";

/** Where an image goes, and what it says of itself. */
export interface Publication extends TagSources {
  repository: string;
  username: string;
  password: Secret;
  /** Address of the sources, or "". */
  source: string;
  /** When the image was made, RFC 3339, or "": then equal sources give equal digests. */
  created: string;
}

/**
 * Builds the production image and pushes it under each of its tags.
 * @returns the reference by digest, the same under every tag.
 */
export async function publishImage(app: Directory, publication: Publication): Promise<string> {
  const { username, password } = publication;
  const repository = requireRepository(publication.repository);
  const tags = imageTags(publication);
  const image = label(buildImage(app, "runtime"), publication).withRegistryAuth(
    registryOf(repository),
    username,
    password,
  );
  const [first, ...others] = tags.map((tag) => `${repository}:${tag}`);
  // The first push carries the layers; the others find them there.
  const reference = await image.publish(first as string);
  await Promise.all(others.map((address) => image.publish(address)));
  return `${repository}@${reference.split("@")[1]}`;
}

/** Labels of the OCI image specification, v1.1, annotations: https://github.com/opencontainers/image-spec */
function label(image: Container, { commit, version, source, created }: Publication): Container {
  const labels = { revision: commit, version, source, created };
  return Object.entries(labels)
    .filter(([, value]) => value !== "")
    .reduce((result, [name, value]) => result.withLabel(`org.opencontainers.image.${name}`, value), image);
}
