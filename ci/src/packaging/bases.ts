/** The upstream images that an application's image is made of. */
export interface Bases {
  /** With compilers and headers. */
  full: string;
  slim: string;
}

/** The first patch of each minor version of Python 3 that has images on Debian 12: the bookworm tags of hub.docker.com/_/python. */
const onBookworm: Record<number, number> = { 8: 17, 9: 17, 10: 12, 11: 4, 12: 0, 13: 0, 14: 0 };

/**
 * Debian 12, whose packages have stable names, wherever Python has an image on it; else what upstream chose at that time.
 * @param version such as "3.12" or "3.8.5".
 */
export function basesFor(version: string): Bases {
  const [, minor, patch] = /^3\.(\d+)(?:\.(\d+))?$/.exec(version) ?? [];
  const first = onBookworm[Number(minor)];
  const hasBookworm = first !== undefined && (patch === undefined || Number(patch) >= first);
  if (hasBookworm) return { full: `python:${version}-bookworm`, slim: `python:${version}-slim-bookworm` };
  // Both of Debian 10; the plain tag of a version of that time may be on another.
  if (version === "3.8.5") return { full: "python:3.8.5-buster", slim: "python:3.8.5-slim-buster" };
  return { full: `python:${version}`, slim: `python:${version}-slim` };
}
