/** @module-tag slow */

import { expect, test } from "vitest";
import { containers, MINUTES, outcome } from "./containers.ts";

const { start } = containers();
const run = async (image: string, command: string[]) => outcome(await start(image, "tool", { command }));

test(
  "npm reaches the registry, and options go to node",
  async () => {
    const NODE = "node:24-bookworm-slim";
    const install = "cd /tmp && npm init -y >/dev/null && npm install --no-audit --no-fund is-number@7.0.0";
    const { code, output } = await run(NODE, ["sh", "-c", install]);
    expect(code, output).toBe(0);
    expect((await run(NODE, ["-p", "6 * 7"])).output).toBe("42\n");
  },
  5 * MINUTES,
);

test(
  "shellcheck reports a problem in a script",
  async () => {
    const script = "printf '#!/bin/sh\\nrm $1\\n' >/tmp/s && shellcheck /tmp/s";
    const { code, output } = await run("koalaman/shellcheck-alpine:v0.10.0", ["sh", "-c", script]);
    expect(code).toBe(1);
    expect(output).toContain("SC2086");
  },
  5 * MINUTES,
);

test(
  "alpine's apk installs packages, and BusyBox has the commands that a minimal Debian lacks",
  async () => {
    const script =
      "apk add --no-cache curl yarn >/dev/null 2>&1; apk add --no-cache --virtual .build-deps yaml-dev >/dev/null 2>&1; " +
      "apk del .build-deps >/dev/null 2>&1; test -e /usr/include/yaml.h; curl -V | head -c 5; yarn -v; vi --help 2>&1 | head -c 7";
    const { code, output } = await run("alpine:3.20", ["sh", "-ec", script]);
    expect(code, output).toBe(0);
    expect(output).toBe("curl 1.22.22\nBusyBox");
  },
  5 * MINUTES,
);
