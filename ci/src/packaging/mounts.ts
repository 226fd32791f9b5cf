/** Name of the build secret, and where uv and Git look for it. */
export const netrcId = "netrc";
const netrc = `--mount=type=secret,id=${netrcId},target=/root/.netrc`;
const cache = "--mount=type=cache,id=stackline-uv,target=/root/.cache/uv";

/**
 * Mounts uv's cache, and logins where there are some, for each instruction that installs packages. The Dockerfile itself does
 * not, because the classic builder, which compose 1.29 uses, has no mounts.
 */
export function withMounts(dockerfile: string, hasLogins: boolean): string {
  const mounts = hasLogins ? `${cache} ${netrc}` : cache;
  const installing = /^RUN (?=(?:.*\\\n)*.*(?:\/install\.py|\buv (?:pip|venv)))/gm;
  return dockerfile.replace(installing, `RUN ${mounts} `);
}
