/** @module-tag slow */

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { $ } from "zx";
import { createPostgres } from "./postgres-container.ts";
import { scratchFolder } from "./support.ts";

const secrets = scratchFolder();
const patience = { timeout: 90_000, interval: 200 };
let server: Docker.Container;

beforeEach(async () => {
  mkdirSync(secrets, { recursive: true });
  chmodSync(secrets, 0o755);
  write({ POSTGRES_DB: "shop", POSTGRES_USER: "shop", POSTGRES_PASSWORD: "first" });
  server = await createPostgres(secrets);
});
afterEach(() => server.remove({ force: true, v: true }));

function write(values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) writeFileSync(join(secrets, name), value);
}

const run = (...words: string[]) =>
  $({ quiet: true, nothrow: true })`docker exec -e PGPASSWORD=${words[0]} ${server.id} ${words.slice(1)}`;
/** Whether the application can log in, by the network as it does. */
const logsIn = async (password: string, role = "shop"): Promise<boolean> =>
  (await run(password, "psql", "-h", "127.0.0.1", "-U", role, "-d", "shop", "-c", "SELECT 1")).exitCode === 0;
const isReady = async (): Promise<boolean> =>
  (await run("", "pg_isready", "--host=127.0.0.1", "--quiet")).exitCode === 0;

test("an initialisation that failed is never taken for a finished one, and corrected secrets then work", async () => {
  write({ POSTGRES_USER: "pg_signal_backend" });
  await server.start();
  await vi.waitUntil(async () => {
    expect(await isReady()).toBe(false);
    return (await server.inspect()).RestartCount >= 2;
  }, patience);
  write({ POSTGRES_USER: "shop", POSTGRES_PASSWORD: "second" });
  await vi.waitUntil(() => logsIn("second"), patience);
});

test("an initialisation that was killed begins again, and complete data is kept", async () => {
  await server.start();
  const hasBegun = () => run("", "test", "-e", "/var/lib/postgresql/data/PG_VERSION");
  await vi.waitUntil(async () => (await hasBegun()).exitCode === 0, { ...patience, interval: 1 });
  await server.kill();
  write({ POSTGRES_PASSWORD: "second" });
  await server.start();
  await vi.waitUntil(() => logsIn("second"), patience);
  write({ POSTGRES_PASSWORD: "third" });
  await server.restart();
  await vi.waitUntil(isReady, patience);
  expect(await logsIn("second")).toBe(true);
});
