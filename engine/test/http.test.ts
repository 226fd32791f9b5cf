import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> =>
  withSession({ storePath, withDocker: false }, use);

const requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  if (request.url === "/moved") return response.writeHead(302, { location: "/tool.tar?x=1" }).end();
  if (request.url === "/cut") return response.write("half", () => response.destroy());
  response.writeHead(request.url?.startsWith("/tool.tar") ? 200 : 404).end("the content");
});
const digest = `sha256:${createHash("sha256").update("the content").digest("hex")}`;
let address: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => requests.splice(0));
afterAll(() => server.close());

describe("a file from a URL", () => {
  it("has the content, the last part of the URL as its name, and mode 0600", () =>
    session(async ({ client }) => {
      const file = client.http(`http://${address}/tool.tar?x=1`);
      expect([await file.contents(), await file.name()]).toEqual(["the content", "tool.tar"]);
      expect(await file.stat().permissions()).toBe(0o600);
      const other = client.http(`http://${address}/moved`, { name: "tool", permissions: 0o755 });
      expect([await other.contents(), await other.name()]).toEqual(["the content", "tool"]);
      expect(await other.stat().permissions()).toBe(0o755);
    }));

  it("is fetched once per session", async () => {
    const read = (): Promise<void> =>
      session(async ({ client }) => {
        const file = client.http(`http://${address}/tool.tar`);
        await Promise.all([file.contents(), file.size()]);
      });
    await read();
    expect(requests).toHaveLength(1);
    await read();
    expect(requests).toHaveLength(2);
  });

  it("with a checksum is verified, and not fetched again if it is cached", () =>
    session(async ({ client }) => {
      const url = `http://${address}/tool.tar`;
      const wrong = `sha256:${"0".repeat(64)}`;
      await expect(client.http(url, { checksum: wrong }).contents()).rejects.toThrow(
        `${url}: checksum mismatch: expected ${wrong}, got ${digest}`,
      );
      requests.splice(0);
      expect(await client.http(url, { checksum: digest }).contents()).toBe("the content");
      expect(requests).toHaveLength(0);
      await expect(client.http(url, { checksum: "md5:0" }).contents()).rejects.toThrow("give sha256:");
    }));

  it("is fetched with an Authorization header from a secret, or with the URL's credentials", () =>
    session(async ({ client }) => {
      const authHeader = client.setSecret("header", "Bearer token-of-mine");
      await client.http(`http://${address}/tool.tar`, { authHeader }).sync();
      await client.http(`http://user:p%40ss@${address}/tool.tar`).sync();
      expect(requests.map(({ headers }) => headers.authorization)).toEqual([
        "Bearer token-of-mine",
        `Basic ${Buffer.from("user:p@ss").toString("base64")}`,
      ]);
    }));

  it("that cannot be fetched is named in the error, without credentials or query", () =>
    session(async ({ client }) => {
      const at = (path: string): Promise<string> =>
        client
          .http(`http://user:word@${address}${path}`)
          .contents()
          .then(
            () => "",
            (error) => error.message,
          );
      expect(await at("/gone?token=abc")).toBe(
        `http http://${address}/gone: invalid response status 404 Not Found`,
      );
      expect(await at("/cut")).toMatch(new RegExp(`^http http://${address}/cut: `));
      await expect(client.http("http://127.0.0.1:1/f").contents()).rejects.toThrow(
        /^http http:\/\/127\.0\.0\.1:1\/f: .*(ECONNREFUSED|bad port)/,
      );
      await expect(client.http("ftp://secret@host/f").contents()).rejects.toThrow(/must start with http/);
    }));
});
