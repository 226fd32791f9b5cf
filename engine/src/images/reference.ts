import { registryOf } from "../client/logins.ts";

/** The parts of an image name; they are the same for `docker.io/library/python:3.8` and `python:3.8`. */
export interface Reference {
  /** Host of the registry, `docker.io` by default. */
  registry: string;
  /** Path in the registry, without `library/` for Docker Hub's official images. */
  repository: string;
  tag: string;
  /** Set if the name pins a digest; such an image has no stand-in. */
  digest?: string;
}

const SHAPE = /^(?<name>[^@\s]+?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>[a-z0-9]+:[a-f0-9]{32,}))?$/;

/** Parses an image name as Docker does. Throws if it is invalid. */
export function parseReference(ref: string): Reference {
  const { name = "", tag, digest } = SHAPE.exec(ref)?.groups ?? {};
  if (!name) throw new Error(`"${ref}" is not an image name: expected [registry/]repository[:tag][@digest].`);
  const [first = "", ...rest] = name.split("/");
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = hasRegistry ? registryOf(first) : "docker.io";
  const path = hasRegistry ? rest.join("/") : name;
  return {
    registry,
    repository: registry === "docker.io" ? path.replace(/^library\//, "") : path,
    tag: tag ?? "latest",
    ...(digest && { digest }),
  };
}

/** The full name of an image: `docker.io/library/python:3.8`. */
export function fullName(ref: string): string {
  const { registry, repository, tag, digest } = parseReference(ref);
  const isOfficial = registry === "docker.io" && !repository.includes("/");
  const isTagged = !digest || SHAPE.exec(ref)?.groups?.tag !== undefined;
  return `${registry}/${isOfficial ? "library/" : ""}${repository}${isTagged ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/** The same image by digest, without its tag. */
export function withDigest(ref: string, digest: string): string {
  const { name = ref } = SHAPE.exec(ref)?.groups ?? {};
  return `${name}@${digest}`;
}
