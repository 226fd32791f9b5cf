import { type Container, dag, type Secret } from "@dagger.io/dagger";
import { type Application, buildImage } from "../stack/image.js";
import { imageTags, registryOf, requirePlatforms, requireRepository, type TagSources } from "./references.js";

/** Destination and labels of an image. */
export interface Publication extends TagSources {
  repository: string;
  username: string;
  password: Secret;
  /** Target platforms; if empty, the engine's own. */
  platforms: readonly string[];
  /** URL of the sources, or "". */
  source: string;
  /** Time in RFC 3339, or "": then equal sources give equal digests. */
  created: string;
}

/**
 * Builds the production image and pushes it under each of its tags.
 * @returns the reference by digest, which is the same for every tag.
 */
export async function publishImage(application: Application, publication: Publication): Promise<string> {
  const repository = requireRepository(publication.repository);
  const tags = imageTags(publication);
  const push = await pusher(application, repository, publication);
  const [first, ...others] = tags.map((tag) => `${repository}:${tag}`);
  // The first push uploads the layers; the others find them in the registry.
  const reference = await push(first as string);
  await Promise.all(others.map(push));
  return `${repository}@${reference.split("@")[1]}`;
}

/** Pushes to an address: a single image for one platform, an index for several. */
async function pusher(
  application: Application,
  repository: string,
  publication: Publication,
): Promise<(address: string) => Promise<string>> {
  const platforms = requirePlatforms(publication.platforms);
  const build = async (platform?: string): Promise<Container> =>
    label(await buildImage(application, "runtime", platform), publication);
  const signedIn = (image: Container): Container =>
    image.withRegistryAuth(registryOf(repository), publication.username, publication.password);
  if (platforms.length < 2) {
    const image = signedIn(await build(platforms[0]));
    return (address) => image.publish(address);
  }
  const platformVariants = await Promise.all(platforms.map(build));
  return (address) => signedIn(dag.container()).publish(address, { platformVariants });
}

/** Labels of the OCI image specification, v1.1, annotations: https://github.com/opencontainers/image-spec */
function label(image: Container, { commit, version, source, created }: Publication): Container {
  const labels = { revision: commit, version, source, created };
  return Object.entries(labels)
    .filter(([, value]) => value !== "")
    .reduce((result, [name, value]) => result.withLabel(`org.opencontainers.image.${name}`, value), image);
}
