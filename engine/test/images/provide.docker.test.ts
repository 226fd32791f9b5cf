import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { ImageError, provideImage } from "../../src/images/index.ts";
import { docker, MINUTES } from "./containers.ts";

const quiet = () => {};

/** A registry on loopback without images; Docker uses plain HTTP for it. */
const registry = createServer((request, response) => {
  response.statusCode = request.url === "/v2/" ? 200 : 404;
  response.end(JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }));
});
await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
afterAll(() => registry.close());

test(
  "a registry's refusal is final, and the error says what to check",
  async () => {
    const { port } = registry.address() as AddressInfo;
    const attempt = provideImage(docker, `127.0.0.1:${port}/postgres:17`, quiet);
    await expect(attempt).rejects.toThrow(/can't be pulled from .*Check the name and tag, or log in/);
  },
  MINUTES,
);

test(
  "without a registry or a recipe, the error says how to load the image",
  async () => {
    const error = await provideImage(docker, "127.0.0.1:1/nothing:1", quiet).catch((reason) => reason);
    expect(error).toBeInstanceOf(ImageError);
    expect(error.code).toBe("NO_REGISTRY");
    expect(error.message).toContain("docker save 127.0.0.1:1/nothing:1 | docker load");
  },
  MINUTES,
);

test(
  "a stand-in reports its real content, and is reused the next time",
  async () => {
    const first = await provideImage(docker, "debian:bookworm-slim", quiet);
    const told: string[] = [];
    const second = await provideImage(docker, "debian:bookworm-slim", (line) => told.push(line));
    expect(second).toEqual(first);
    expect(told).toEqual([]);
    if (first.standIn) expect(first.standIn).toMatch(/^Debian 12\.\d+ \(stand-in for bookworm-slim\)$/);
  },
  5 * MINUTES,
);

test(
  "two concurrent requests get the same image",
  async () => {
    const both = await Promise.all([1, 2].map(() => provideImage(docker, "redis:7-alpine", quiet)));
    expect(both[0]).toEqual(both[1]);
  },
  5 * MINUTES,
);
