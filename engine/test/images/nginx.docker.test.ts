/** @module-tag slow */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { containers, eventually, exec, MINUTES } from "./containers.ts";

const IMAGE = "nginx:1.28-bookworm";
const { start } = containers();
const dir = mkdtempSync(join(tmpdir(), "stackline-test-"));
chmodSync(dir, 0o755);
afterAll(() => rmSync(dir, { recursive: true }));

test(
  "templates get environment variables, and nginx keeps its own variables",
  async () => {
    const template = 'server { listen 80; location / { return 200 "$GREETING $request_method\\n"; } }';
    mkdirSync(join(dir, "deep"));
    writeFileSync(join(dir, "default.conf.template"), template);
    writeFileSync(join(dir, "deep", "other.conf.template"), "# $GREETING $HIDDEN");
    const server = await start(IMAGE, "web", {
      env: { GREETING: "hello", HIDDEN: "no", NGINX_ENVSUBST_FILTER: "^GREETING$" },
      binds: [`${dir}:/etc/nginx/templates:ro`],
    });
    expect(await eventually(server, ["curl", "-sf", "http://localhost/"])).toBe("hello GET\n");
    expect((await exec(server, ["cat", "/etc/nginx/conf.d/deep/other.conf"])).output).toBe("# hello $HIDDEN");
    expect((await server.logs({ stdout: true })).toString()).toContain('"GET / HTTP/1.1" 200');
  },
  5 * MINUTES,
);

test(
  "without a configuration it serves a page, with workers that run as user nginx",
  async () => {
    const server = await start(IMAGE, "plain");
    expect(await eventually(server, ["curl", "-sf", "http://localhost/"])).toContain("Welcome to nginx");
    const uids = "for p in /proc/[0-9]*; do stat -c %u $p; done | sort -u";
    expect((await exec(server, ["sh", "-c", uids])).output).toContain("101\n");
    expect((await exec(server, ["nginx", "-t"])).output).toContain("syntax is ok");
  },
  5 * MINUTES,
);
