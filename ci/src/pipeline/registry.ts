import { type Container, dag, type Platform, type Secret } from "@dagger.io/dagger";
import { registryOf } from "./references.js";

/** A repository and an account that may push to it. */
export interface Destination {
  repository: string;
  username: string;
  password: Secret;
}

/** What a tag names in the registry. */
export interface Published {
  image: Container;
  digest: string;
  /** The label org.opencontainers.image.version, or "". */
  version: string;
}

/** Without its last line end, LF or CRLF: an editor adds one to a password file, `docker login --password-stdin` cuts it, too. */
export function cutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

/** The destination with a password without line end. */
export async function cutPassword(destination: Destination): Promise<Destination> {
  const text = await destination.password.plaintext();
  const password = cutLineEnd(text);
  return password === text
    ? destination
    : { ...destination, password: dag.setSecret("registry-password", password) };
}

/** The container with the destination's account, to pull from it and to push to it. */
export function signIn(container: Container, { repository, username, password }: Destination): Container {
  return container.withRegistryAuth(registryOf(repository), username, password);
}

/**
 * Asks the registry for a tag.
 * @returns undefined if the registry does not have it, or does not let the account read it.
 * @throws Error if it rejects the account, or does not answer.
 */
export async function readTag(
  destination: Destination,
  tag: string,
  platform?: string,
): Promise<Published | undefined> {
  const empty = dag.container(platform ? { platform: platform as Platform } : {});
  const name = `${destination.repository}:${tag}`;
  const image = signIn(empty, destination).from(name);
  try {
    const [reference, version] = await Promise.all([
      image.imageRef(),
      image.label("org.opencontainers.image.version"),
    ]);
    return { image, digest: reference.split("@")[1] ?? "", version: version ?? "" };
  } catch (error) {
    const message = (error as Error).message;
    const kind = refusalOf(message);
    if (kind === "other") throw new Error(`publish cannot ask the registry for ${name}: ${message}`);
    if (kind === "unreadable")
      console.log(`${name}: the account may not read it; it counts as not published`);
    return undefined;
  }
}

/** What the message of a failed pull says: there is no such image, the account may only push, or something else. */
export function refusalOf(message: string): "missing" | "unreadable" | "other" {
  if (/\bdenied\b|insufficient_scope|403 forbidden/i.test(message)) return "unreadable";
  if (/manifest unknown|name unknown|not found|no match for platform/i.test(message)) return "missing";
  return "other";
}
