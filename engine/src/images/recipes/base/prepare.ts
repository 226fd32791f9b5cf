import { join } from "node:path";
import { copyAuthorities } from "../../authorities.ts";
import { need, run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** The Debian release of every stand-in. */
export const SUITE = "bookworm";

/** Packages beyond the minimum that upstream images have, too. */
const PACKAGES = ["ca-certificates", "netbase", "tzdata"];

/** Documentation is excluded, also from packages installed later: dpkg stores these rules in the image. */
const EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"];

/** Bootstraps Debian from the host's apt sources, and adds the host's certificate authorities. */
export const prepareBase: Prepare = async (context, report) => {
  await need("mmdebstrap", ["mmdebstrap", "debian-archive-keyring"], report);
  // An ordinary user bootstraps in a user namespace, with a range of IDs.
  if (process.getuid?.() !== 0) await need("newuidmap", ["uidmap"], report);
  await copyAuthorities(context);
  await run("mmdebstrap", [
    "--variant=minbase",
    `--include=${PACKAGES.join(",")}`,
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=APT::Install-Recommends "false"',
    ...EXCLUDED.map((path) => `--dpkgopt=path-exclude=${path}`),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--skip=output/dev",
    SUITE,
    join(context, "base.tar"),
    ...(await debianSources()),
  ]);
};

async function debianSources(): Promise<string[]> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)";
  const list = await run("apt-get", ["indextargets", "--format", format, "Identifier: Packages"]).catch(
    () => "",
  );
  return sourcesOf(list);
}

/** The host's apt sources for {@link SUITE}; empty on another distribution, where mmdebstrap uses its default. */
export function sourcesOf(indexTargets: string): string[] {
  const sources = indexTargets
    .split("\n")
    .map((line) => line.trim().split(" "))
    .filter(([, release = "", , origin]) => origin === "Debian" && release.split("-")[0] === SUITE)
    .map(([uri, release, component]) => `deb ${uri} ${release} ${component}`);
  return [...new Set(sources)];
}
