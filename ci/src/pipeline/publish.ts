import { type Container, dag } from "@dagger.io/dagger";
import { type Application, buildImage } from "../stack/image.js";
import { haveSameContent } from "./image-content.js";
import { chooseMoves } from "./moving-tags.js";
import { pushAll } from "./push.js";
import {
  imageTags,
  requirePlatforms,
  requireRepository,
  requireTime,
  type TagSources,
} from "./references.js";
import { cutPassword, type Destination, type Published, readTag, signIn } from "./registry.js";

/** Destination and labels of an image. */
export interface Publication extends TagSources, Destination {
  /** Target platforms; if empty, the engine's own. */
  platforms: readonly string[];
  /** URL of the sources, or "". */
  source: string;
  /** Time in RFC 3339, or "": then equal sources give equal digests. */
  created: string;
  /** Whether to overwrite a version that is published with other content. */
  force?: boolean;
  /** Whether to leave out 1.4, 1 and latest. */
  noMovingTags?: boolean;
  /** Whether 1.4, 1 and latest move to an older version as well. */
  moveBack?: boolean;
}

/**
 * Builds the production image and pushes it under each of its tags. A version names one image for good, and the tags that
 * follow the newest version only move forward, unless the publication says otherwise.
 * @returns the reference by digest.
 */
export async function publishImage(application: Application, publication: Publication): Promise<string> {
  const repository = requireRepository(publication.repository);
  const platforms = requirePlatforms(publication.platforms);
  const { own, version, moving } = imageTags(publication);
  requireTime(publication.created);
  const destination = { ...publication, ...(await cutPassword(publication)) };
  // Also shows a wrong password before anything is built.
  const found = await readTags(destination, [...version, ...(publication.noMovingTags ? [] : moving)]);
  const images = await imagesOf(application, platforms, publication);
  const kept = await publishedVersion(destination, found.get(version[0] ?? ""), images, version[0] ?? "");
  const moves = publication.noMovingTags
    ? { tags: [], notes: [] }
    : chooseMoves(publication.version, moving, found, publication.moveBack ?? false);
  for (const note of moves.notes) console.log(note);
  const reference = await pushAll({
    repository,
    push: pusher(destination, images),
    fixed: [...(kept ? [] : version), ...own],
    moving: moves.tags.filter((tag) => !kept || found.get(tag)?.digest !== kept.digest),
  });
  if (kept && reference && !reference.endsWith(kept.digest))
    console.log(
      `${version[0]} stays at ${kept.digest}, with the same files; the other tags name ${reference}`,
    );
  return kept ? `${repository}@${kept.digest}` : (reference as string);
}

async function readTags(destination: Destination, tags: string[]): Promise<Map<string, Published>> {
  const answers = await Promise.all(tags.map(async (tag) => [tag, await readTag(destination, tag)] as const));
  return new Map(answers.filter((answer): answer is [string, Published] => answer[1] !== undefined));
}

/** An image for each platform. */
type Images = ReadonlyMap<string | undefined, Container>;

async function imagesOf(
  application: Application,
  platforms: string[],
  publication: Publication,
): Promise<Images> {
  const all = platforms.length > 0 ? platforms : [undefined];
  const build = async (platform?: string) =>
    [platform, label(await buildImage(application, "runtime", platform), publication)] as const;
  return new Map(await Promise.all(all.map(build)));
}

/**
 * The image that is published under a version, if it may stay: with the same content nothing needs to be pushed.
 * @returns undefined if the version is to be pushed.
 * @throws Error if the registry has it with other content, except with `force`.
 */
async function publishedVersion(
  { force, ...destination }: Publication,
  current: Published | undefined,
  images: Images,
  version: string,
): Promise<Published | undefined> {
  if (!current) return undefined;
  const same = await Promise.all(
    [...images].map(async ([platform, image]) => {
      const there = platform ? await readTag(destination, version, platform) : current;
      return there !== undefined && (await haveSameContent(there.image, image));
    }),
  );
  if (same.every(Boolean)) {
    console.log(`${version} is already published with this content: ${current.digest}`);
    return current;
  }
  const text = `${destination.repository}:${version} is already published with other content (${current.digest})`;
  if (!force) throw new Error(`${text}: publish a new version, or overwrite this one with publish --force`);
  console.log(`${text} and is overwritten`);
  return undefined;
}

/** Pushes to an address: a single image for one platform, an index for several. */
function pusher(destination: Destination, images: Images): (address: string) => Promise<string> {
  const [first, ...others] = images.values();
  if (others.length === 0) return (address) => signIn(first as Container, destination).publish(address);
  const platformVariants = [...images.values()];
  return (address) => signIn(dag.container(), destination).publish(address, { platformVariants });
}

/** Labels of the OCI image specification, v1.1, annotations: https://github.com/opencontainers/image-spec */
function label(image: Container, { commit, version, source, created }: Publication): Container {
  const labels = { revision: commit, version, source, created };
  return Object.entries(labels)
    .filter(([, value]) => value !== "")
    .reduce((result, [name, value]) => result.withLabel(`org.opencontainers.image.${name}`, value), image);
}
