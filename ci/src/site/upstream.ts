import { type Directory, dag } from "@dagger.io/dagger";
import type { Environment } from "./environment.js";

/** An image of docker-compose.prod.yml that a setting can replace. */
export interface UpstreamImage {
  /** e.g. NGINX_IMAGE. */
  setting: string;
  image: string;
}

/** Settings that name the images of a project's compose file by digest, as `pinImages` returns them. */
export async function pinUpstream(
  source: Directory,
  { settings }: Environment,
): Promise<Record<string, string>> {
  const compose = await source.file("docker-compose.prod.yml").contents();
  return pinImages(upstreamImages(compose, settings), console.log);
}

/**
 * The images of the services that the settings' profiles enable, except the application's: `image: ${NGINX_IMAGE:-nginx:1.28}`
 * in the compose file, or what the setting says.
 */
export function upstreamImages(compose: string, settings: Record<string, string>): UpstreamImage[] {
  const enabled = (settings.COMPOSE_PROFILES ?? "").split(",");
  const services = compose.split(/^services:.*\n/m)[1]?.split(/^[a-z]/m)[0] ?? "";
  const found = services.split(/^ {2}(?=[\w"'-])/m).flatMap((service) => {
    const [, setting, fallback] =
      /^ {4}image: *["']?\$\{((?!(?:APP|SECRETS|STACKLINE)_)[A-Z][A-Z0-9_]*):-([^}\s]+)\}/m.exec(service) ??
      [];
    const profiles = /^ {4}profiles: *\[(.*)\]/m.exec(service)?.[1]?.split(",") ?? [];
    const isActive = profiles.length === 0 || profiles.some((profile) => enabled.includes(profile.trim()));
    return setting && fallback && isActive ? [{ setting, image: settings[setting] || fallback }] : [];
  });
  return [...new Map(found.map((each) => [each.setting, each])).values()];
}

/**
 * Settings that name each image by digest, so that the machine pulls what its tag names now, and a rollback returns to it. An
 * image whose registry gives no digest keeps its tag.
 * @param report gets a line for each of those.
 */
export async function pinImages(
  images: readonly UpstreamImage[],
  report: (line: string) => void,
  ask: (image: string) => Promise<string> = askReference,
): Promise<Record<string, string>> {
  const pin = async ({ setting, image }: UpstreamImage): Promise<[string, string]> => {
    if (image.includes("@")) return [setting, image];
    const digest = await ask(image).then(digestOf, (error: Error) => {
      report(`${image} has no digest: ${error.message.split("\n")[0]}`);
      return "";
    });
    return [setting, digest ? `${image}@${digest}` : image];
  };
  return Object.fromEntries(await Promise.all(images.map(pin)));
}

/** @returns NAME:TAG@sha256:..., or without a digest if the image comes from no registry. */
function askReference(image: string): Promise<string> {
  return dag.container().from(image).imageRef();
}

function digestOf(reference: string): string {
  return /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1] ?? "";
}
