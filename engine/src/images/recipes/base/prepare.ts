import { join } from "node:path";
import { copyAuthorities } from "../../authorities.ts";
import { need, run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** The Debian release under every stand-in. */
export const SUITE = "bookworm";

/** Packages beyond the minimum: what upstream's images take for granted. */
const PACKAGES = ["ca-certificates", "netbase", "tzdata"];

/** Documentation is left out, also of what is installed later: dpkg keeps these rules in the image. */
const EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"];

/** Bootstraps Debian from the sources that the host's apt has, and adds the host's certificate authorities. */
export const prepareBase: Prepare = async (context, report) => {
  await need("mmdebstrap", ["mmdebstrap", "debian-archive-keyring"], report);
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

/** apt sources for {@link SUITE} among the host's own; none on another distribution, where mmdebstrap's default serves. */
export function sourcesOf(indexTargets: string): string[] {
  const sources = indexTargets
    .split("\n")
    .map((line) => line.trim().split(" "))
    .filter(([, release = "", , origin]) => origin === "Debian" && release.split("-")[0] === SUITE)
    .map(([uri, release, component]) => `deb ${uri} ${release} ${component}`);
  return [...new Set(sources)];
}
