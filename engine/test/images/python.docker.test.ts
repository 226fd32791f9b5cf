/** @module-tag slow */

import { expect, test } from "vitest";
import { containers, MINUTES, outcome } from "./containers.ts";

const FULL = "python:3.8.5-buster";
const SLIM = "python:3.8.5-slim-buster";
const { start, volume } = containers();

async function run(image: string, script: string, binds: string[] = []) {
  return outcome(await start(image, "python", { command: ["sh", "-ec", script], binds }));
}

test(
  "every extension module of the standard library in slim can be imported",
  async () => {
    const script = `
    for file in /usr/local/lib/python3.8/lib-dynload/*.so; do
      module="$(basename "$file")"; python -c "import \${module%%.*}"
    done
    ! grep -rIl pyenv /usr/local; python -m venv /tmp/v; /tmp/v/bin/pip --version; pip --version`;
    expect(await run(SLIM, script)).toMatchObject({ code: 0 });
  },
  5 * MINUTES,
);

test(
  "psycopg2 2.8.6 is downloaded over TLS, builds from source in the full image, and runs in slim",
  async () => {
    const binds = [`${await volume()}:/opt/app`];
    const built = await run(
      FULL,
      `python -m venv /opt/app
       /opt/app/bin/pip install -q --no-cache-dir --no-binary psycopg2 psycopg2==2.8.6
       mkdir /opt/app/shared
       ldd /opt/app/lib/python3.8/site-packages/psycopg2/_psycopg*.so | awk '/=> \\/lib/ { print $3 }' |
         xargs -I{} cp -L {} /opt/app/shared`,
      binds,
    );
    expect(built, built.output).toMatchObject({ code: 0 });
    const print = "import psycopg2; print(psycopg2.__version__)";
    const script = `LD_LIBRARY_PATH=/opt/app/shared /opt/app/bin/python -c '${print}'`;
    expect((await run(SLIM, script, binds)).output).toMatch(/^2\.8\.6 /);
  },
  5 * MINUTES,
);
