import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const lib = fileURLToPath(new URL("../scripts/host/lib", import.meta.url));

/** The server accepts the secrets that it was initialised with; `broken` is one that never becomes healthy. */
const DOCKER = `#!/bin/sh
case "$*" in
  *"compose version"*) ;;
  *"compose"*" config"*) printf 'services:\\n  postgres:\\n    image: postgres\\n' ;;
  *"compose"*" up "*) [ -e "$SITE/created" ] || cp "$SITE/secrets/postgres/POSTGRES_PASSWORD" "$SITE/created" ;;
  *RestartCount*) echo 9 ;;
  *State.Status*) [ ! -e "$SITE/broken" ] && echo healthy || echo restarting ;;
  ps*) echo id ;;
  exec*) cmp -s "$SITE/created" "$SITE/secrets/postgres/POSTGRES_PASSWORD" ;;
  run*) ;;
esac
`;

let site = "";
beforeEach(() => {
  site = temporaryFolder();
  mkdirSync(join(site, "bin"));
  writeFileSync(join(site, "bin/docker"), DOCKER.replaceAll("$SITE", site), { mode: 0o755 });
});

/** What a first deploy does with its secrets until the data services run. */
function start(password: string) {
  const release = join(site, "releases/one");
  for (const owner of ["app", "own", "postgres", "redis", "collector", "hidden", "grafana", "backup"]) {
    mkdirSync(join(release, "secrets", owner), { recursive: true });
    writeFileSync(join(release, "secrets", owner, "POSTGRES_PASSWORD"), password);
  }
  for (const name of ["POSTGRES_DB", "POSTGRES_USER", "SECRET_KEY"])
    writeFileSync(join(release, "secrets/app", name), "shop");
  writeFileSync(join(release, "release.env"), "APP_IMAGE=app\n");
  writeFileSync(join(release, "docker-compose.prod.yml"), "");
  const script = `set -euo pipefail; umask 077; directory=$SITE; here=$SITE/releases/one/host
    for part in say settings paths compose definitions images names secrets history database; do . "$0/$part.sh"; done
    redacted() { cat; }
    check_secrets "$SITE/releases/one"; install_secrets "$SITE/releases/one"; start_services "$SITE/releases/one"`;
  const env = { ...process.env, SITE: site, PATH: `${site}/bin${delimiter}${process.env.PATH}` };
  return spawnSync("bash", ["-c", script, lib], { encoding: "utf8", env });
}

describe("the secrets of a data service", () => {
  test("are those of its data once that is initialised", () => {
    expect(start("first")).toMatchObject({ status: 0, stderr: "" });
    expect(start("other").stderr).toMatch(
      /the secrets for postgres differ from those its data was created with/,
    );
    expect(start("first").status).toBe(0);
  });

  test("can be corrected until then", () => {
    writeFileSync(join(site, "broken"), "");
    expect(start("first").stderr).toMatch(/a data service did not become healthy/);
    // What the image's entry point does with data that is not initialised.
    spawnSync("rm", [join(site, "broken"), join(site, "created")]);
    expect(start("corrected")).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(site, "secrets/postgres/POSTGRES_PASSWORD"), "utf8")).toBe("corrected");
  });

  test("are not taken for those of data that somebody else created", () => {
    writeFileSync(join(site, "created"), "another");
    expect(start("first").stderr).toMatch(
      /PostgreSQL's data was created with other secrets: give those; or, if it was never used, remove it: .*docker volume rm stackline_postgres/,
    );
    expect(start("another").status).toBe(0);
  });
});
