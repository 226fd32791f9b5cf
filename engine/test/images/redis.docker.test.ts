/** @module-tag slow */

import { expect, test } from "vitest";
import { containers, eventually, exec, MINUTES } from "./containers.ts";

const IMAGE = "redis:7-alpine";
const { start } = containers();

test(
  "clients are served without a password, by a server that runs as user redis",
  async () => {
    const server = await start(IMAGE, "cache");
    const client = await start(IMAGE, "client", { command: ["sleep", "60"] });
    expect(await eventually(client, ["redis-cli", "-h", "cache", "ping"])).toBe("PONG\n");
    expect((await exec(server, ["stat", "-c", "%u", "/proc/1", "/data"])).output).toBe("999\n999\n");
  },
  5 * MINUTES,
);

test(
  "a command that starts with an option goes to redis-server",
  async () => {
    const server = await start(IMAGE, "strict", {
      command: ["--requirepass", "secret", "--appendonly", "yes"],
    });
    expect(await eventually(server, ["redis-cli", "-a", "secret", "--no-auth-warning", "ping"])).toBe(
      "PONG\n",
    );
    expect((await exec(server, ["redis-cli", "ping"])).output).toContain("NOAUTH");
  },
  5 * MINUTES,
);

test(
  "the same image works under Valkey's names",
  async () => {
    const server = await start("valkey/valkey:8-alpine", "valkey", {
      command: ["valkey-server", "--save", ""],
    });
    expect(await eventually(server, ["valkey-cli", "ping"])).toBe("PONG\n");
  },
  5 * MINUTES,
);
