import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const lib = fileURLToPath(new URL("../scripts/host/lib", import.meta.url));
let server: Server;
let taken = 0;

beforeEach(async () => {
  server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  taken = (server.address() as AddressInfo).port;
});
afterEach(() => server.close());

/**
 * @param published ADDRESS:PORT lines of the containers that run; without any, none runs.
 * @param refuses what Docker says to ports that it is to try.
 */
function checkPorts(settings: Record<string, string>, { published = "", refuses = "" } = {}) {
  const folder = temporaryFolder();
  const docker = `#!/bin/sh
    case $* in
      ps*) [ -z '${published}' ] || echo id ;;
      *PortBindings*) printf '${published}\\n' ;;
      inspect*) echo image ;;
      run*) echo "$@" >>"${folder}/tried"; [ -z '${refuses}' ] || { echo '${refuses}' >&2; exit 125; } ;;
      *) exit 9 ;;
    esac\n`;
  writeFileSync(join(folder, "docker"), docker, { mode: 0o755 });
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, "release.env"), lines.join(""));
  const script = `set -euo pipefail; for part in say settings compose ports; do . "$0/$part.sh"; done; check_ports "$1"`;
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  return spawnSync("bash", ["-c", script, lib, folder], { encoding: "utf8", env });
}

const free = { HTTP_PORT: "1", HTTPS_PORT: "2" };
const inUse = () =>
  new RegExp(`^FAILED: port ${taken} is already in use: .* set \\w+_PORT in the environment's settings\\n$`);

describe("a port that a release asks for", () => {
  test("is refused if another process has it, whatever runs now", () => {
    for (const published of ["", ":80\n:443", "0.0.0.0:80\n0.0.0.0:443"])
      for (const name of ["HTTP_PORT", "HTTPS_PORT"])
        expect(checkPorts({ ...free, [name]: String(taken) }, { published }).stderr).toMatch(inUse());
    const grafana = { ...free, COMPOSE_PROFILES: "logs,loki", GRAFANA_PORT: String(taken) };
    expect(checkPorts(grafana).stderr).toMatch(inUse());
    expect(checkPorts({ ...grafana, COMPOSE_PROFILES: "logs" }).status).toBe(0);
  });

  test("is free if the site's own container publishes it", () => {
    const run = checkPorts({ ...free, HTTP_PORT: String(taken) }, { published: `:${taken}\n:2` });
    expect(run).toMatchObject({ status: 0, stderr: "" });
  });

  test("can be of one address", async () => {
    const own = createServer().listen(0, "127.0.0.2");
    await once(own, "listening");
    const { port } = own.address() as AddressInfo;
    expect(checkPorts({ ...free, HTTP_PORT: `127.0.0.1:${port}` }).status).toBe(0);
    expect(checkPorts({ ...free, HTTP_PORT: `127.0.0.2:${port}` }).stderr).toContain("already in use");
    expect(checkPorts({ ...free, HTTP_PORT: String(port) }).stderr).toContain("already in use");
    expect(checkPorts({ ...free, HTTP_PORT: `127.0.0.1:${taken}` }).stderr).toMatch(inUse());
    own.close();
  });

  test("is tried as Docker publishes it, if it is not published already", () => {
    const published = ":80\n:2";
    const refuses = "bind: cannot assign requested address";
    expect(checkPorts({ ...free, HTTP_PORT: "10.1.2.3:1" }, { published, refuses }).stderr).toBe(
      `FAILED: HTTP_PORT: Docker cannot publish port 10.1.2.3:1: ${refuses}\n`,
    );
    expect(checkPorts({ ...free, HTTP_PORT: "80" }, { published, refuses }).status).toBe(0);
  });

  test.each(["0", "65536", "8000-8010", "http", "80:80:80x", "127.0.0.1:"])(
    "is refused if it is none: %s",
    (value) => {
      expect(checkPorts({ HTTP_PORT: value }).stderr).toContain(
        `FAILED: HTTP_PORT is '${value}': give a port`,
      );
    },
  );

  test("is refused for both protocols", () => {
    expect(checkPorts({ HTTP_PORT: "1", HTTPS_PORT: "1" }).stderr).toContain("are both 1");
  });
});
