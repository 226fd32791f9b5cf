import type { Container } from "@dagger.io/dagger";

/** What only Django knows of a project: ci/image/facts.py asks it while the image is built. */
export interface Facts {
  /** Path of one static file on the site. */
  staticFile: string | null;
  /** Path of an address that tells whether the site is healthy, without a slash before it. */
  health: string | null;
  /** Whether /checks is a page of the project. */
  hasChecks: boolean;
}

/** @param image a production image. */
export async function readFacts(image: Container): Promise<Facts> {
  return JSON.parse(await image.file("/opt/docker/django.json").contents()) as Facts;
}
