import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Runs functions of the host's scripts in a site whose upload has these secrets. */
function onHost(site: string, lines: string): string {
  const script = `set -euo pipefail; directory=$SITE here=$SITE/releases/one/host
    for part in say settings paths names secrets; do . "$0/scripts/host/lib/$part.sh"; done; umask 077
    own_files() { :; }
    ${lines}`;
  const run = spawnSync("bash", ["-c", script, root], {
    encoding: "utf8",
    env: { ...process.env, SITE: site },
  });
  expect(run.stderr).toBe("");
  return run.stdout;
}

function siteWith(lines: string): string {
  const site = temporaryFolder();
  const release = join(site, "releases/one");
  mkdirSync(join(release, "logs"), { recursive: true });
  writeFileSync(join(release, "logs/records.yaml"), readFileSync(join(root, "logs/records.yaml")));
  writeFileSync(join(release, "release.env"), "APP_IMAGE=app\n");
  execFileSync("sh", [join(root, "scripts/host/place-secrets"), join(release, "secrets")], { input: lines });
  return site;
}

const hidden = (site: string): string[] =>
  [
    ...readFileSync(join(site, "releases/one/logs/records.yaml"), "utf8").matchAll(/"=\$\{file:(\S+)\}"/g),
  ].map(([, path = ""]) => path);

describe("a secret that only the application knows", () => {
  test("is for the application and for what redacts it, and for nobody else", () => {
    const secrets = join(
      siteWith("STRIPE_KEY=one\nPOSTGRES_DB=shop\nSECRET_KEY=two\n"),
      "releases/one/secrets",
    );
    const places = readdirSync(secrets).filter((owner) =>
      readdirSync(join(secrets, owner)).includes("STRIPE_KEY"),
    );
    expect(places).toEqual(["hidden", "own"]);
    expect(readdirSync(join(secrets, "own"))).toEqual(["STRIPE_KEY"]);
  });

  test("is in a folder that containers mount as a whole, inside one that is closed", () => {
    const site = siteWith("STRIPE_KEY=one\n");
    const folder = onHost(site, `install_secrets "$payload"; setting "$payload" SECRETS_OF_OWN`).trim();
    expect(folder).toMatch(/^\/own-[0-9a-f]{12}$/);
    expect(readFileSync(join(site, "secrets", folder, "STRIPE_KEY"), "utf8")).toBe("one");
    expect((statSync(join(site, "secrets", folder)).mode & 0o777).toString(8)).toBe("755");
    expect((statSync(join(site, "secrets")).mode & 0o777).toString(8)).toBe("700");
  });

  test("may be missing", () => {
    const site = siteWith("SECRET_KEY=two\n");
    const before = hidden(site);
    expect(onHost(site, `hide_secrets "$payload"; install_secrets "$payload"; ls "$SITE/secrets"`)).toMatch(
      /^own-/m,
    );
    expect(hidden(site)).toEqual(before);
  });

  test("is redacted by the collector, also after a deploy that sent no secrets", () => {
    const site = siteWith("STRIPE_KEY=one\nMAIL_TOKEN=two\n");
    const before = hidden(site);
    const own = ["/run/hidden/MAIL_TOKEN", "/run/hidden/STRIPE_KEY"];
    onHost(site, `hide_secrets "$payload"; install_secrets "$payload"`);
    expect(hidden(site)).toEqual([...before, ...own]);
    // The collector reads it without being its owner.
    expect(statSync(join(site, "releases/one/logs/records.yaml")).mode & 0o444).toBe(0o444);
    writeFileSync(
      join(site, "releases/one/logs/records.yaml"),
      readFileSync(join(root, "logs/records.yaml")),
    );
    onHost(site, `hide_secrets "$payload"`);
    expect(hidden(site)).toEqual([...before, ...own]);
  });
});
