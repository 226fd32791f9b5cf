import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { parsePause, troubleOf, withRetries } from "../src/images/retry.ts";

describe("a registry's failure", () => {
  it.each([
    ["toomanyrequests: slow down", "limited"],
    ['error parsing HTTP 429 response body: unexpected end of JSON input: ""', "limited"],
    ["received unexpected HTTP status: 503 Service Unavailable", "broken"],
    ["received unexpected HTTP status: 500 Internal Server Error", "broken"],
    ["error parsing HTTP 502 response body: invalid character '<'", "broken"],
    ['Put "http://127.0.0.1:5000/v2/app/manifests/1": EOF', "broken"],
    ["read tcp 10.0.0.1:5->10.0.0.2:443: read: connection reset by peer", "broken"],
    ["net/http: TLS handshake timeout", "broken"],
    ["denied: requested access to the resource is denied", undefined],
    ["unauthorized: authentication required", undefined],
    ["manifest invalid: the tag 1.503 is immutable", undefined],
    ["dial tcp: lookup nowhere.invalid: no such host", undefined],
    ["dial tcp 127.0.0.1:1: connect: connection refused", undefined],
  ] as const)("%j is %s", (message, trouble) => {
    expect(troubleOf(message)).toBe(trouble);
  });
});

describe("a pause", () => {
  const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");

  it.each([
    ["7", 7],
    ["525.97µs, allowed: 44000/minute", 1],
    ["1500ms", 2],
    ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
    ["Wed, 21 Oct 2026 07:27:30 GMT", 0],
    ["soon", undefined],
  ] as const)("of %j is %s seconds", (text, seconds) => {
    expect(parsePause(text, now)).toBe(seconds);
  });
});

describe("a request to a registry", () => {
  let close = (): void => undefined;
  afterEach(() => close());

  /** A registry that rejects every request with this header. */
  async function busyRegistry(retryAfter: string): Promise<string> {
    const server = createServer((_, answer) => answer.writeHead(503, { "retry-after": retryAfter }).end());
    await new Promise<void>((up) => server.listen(0, "127.0.0.1", up));
    close = () => server.close();
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Fails so often, then succeeds. */
  function failing(times: number, message = "received unexpected HTTP status: 503 Service Unavailable") {
    let count = 0;
    return async () => {
      if (count++ < times) throw new Error(message);
      return count;
    };
  }

  it("waits as long as the registry asks, and says so", async () => {
    const host = await busyRegistry("3");
    const said: string[] = [];
    const started = Date.now();
    const attempts = { name: `${host}/team/app:v1`, report: (line: string) => said.push(line) };
    expect(await withRetries(attempts, failing(1))).toBe(2);
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_990);
    expect(said).toEqual([
      `${host}/team/app:v1: received unexpected HTTP status: 503 Service Unavailable; next attempt in 3 s`,
    ]);
  });

  it("fails at once if the registry asks for more than two minutes", async () => {
    const name = `${await busyRegistry("3600")}/team/app:v1`;
    await expect(withRetries({ name, report: () => undefined }, failing(1))).rejects.toThrow(/503/);
  });

  it("fails at once if a second attempt would fail as well", async () => {
    const attempts = { name: "127.0.0.1:1/app:v1", report: () => undefined };
    await expect(withRetries(attempts, failing(1, "denied: no"))).rejects.toThrow("denied: no");
  });

  it("ends with the session", async () => {
    const ended = new AbortController();
    const attempts = { name: "127.0.0.1:1/app:v1", report: () => ended.abort(), signal: ended.signal };
    await expect(withRetries(attempts, failing(9))).rejects.toThrow(/abort/i);
  });
});
