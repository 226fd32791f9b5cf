import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { get } from "../../src/client/request.ts";
import { temporaryFolder } from "../folder.ts";

const certs = temporaryFolder();
const asked: string[] = [];
const seen: IncomingMessage[] = [];
const servers: Server[] = [];
let secure: number;
let proxy: number;

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A proxy that knows the password, answers for plain hosts itself and leads tunnels to this test's server. */
function newProxy(): Server {
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    headers["proxy-authorization"] === `Basic ${Buffer.from("me:pa@ss").toString("base64")}`;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    seen.push(request);
    if (!isAllowed(request)) response.writeHead(407).end();
    else if (request.url?.endsWith("/moved"))
      response.writeHead(302, { location: "https://files.example/end" }).end();
    else response.end("through the proxy");
  });
  return server.on("connect", (request: IncomingMessage, client: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isAllowed(request)) return client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const upstream = connect(secure, "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    upstream
      .pipe(client)
      .pipe(upstream)
      .on("error", () => undefined);
  });
}

beforeAll(async () => {
  const words =
    "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=files.example -keyout key.pem -out cert.pem";
  execFileSync("openssl", words.split(" "), { cwd: certs, stdio: "pipe" });
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(certs, name)));
  secure = await listen(
    createTlsServer({ key, cert }, (request, response) => {
      seen.push(request);
      response.end("through the tunnel");
    }),
  );
  proxy = await listen(newProxy());
});
beforeEach(() => {
  asked.splice(0);
  seen.splice(0);
  // The certificate is signed by itself.
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  vi.stubEnv("HTTP_PROXY", `http://me:pa%40ss@127.0.0.1:${proxy}`);
  vi.stubEnv("HTTPS_PROXY", `http://me:pa%40ss@127.0.0.1:${proxy}`);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => servers.map((server) => server.close()));

const options = { headers: { authorization: "Bearer own" }, signal: new AbortController().signal };
const read = async (url: string): Promise<string> => text(await get(new URL(url), options));

describe("a request through a proxy", () => {
  it("is sent to it whole, with the proxy's account", async () => {
    expect(await read("http://files.example/a?b=c")).toBe("through the proxy");
    expect(asked).toEqual(["GET http://files.example/a?b=c files.example"]);
  });

  it("with TLS goes through a tunnel, where the proxy's account is not sent", async () => {
    expect(await read("https://files.example/a")).toBe("through the tunnel");
    expect(asked).toEqual(["CONNECT files.example:443"]);
    expect(seen[0]?.headers).toMatchObject({ authorization: "Bearer own" });
    expect(seen[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  it("follows a redirect to another host without the first one's credentials", async () => {
    expect(await read("http://files.example/moved")).toBe("through the tunnel");
    expect(seen[1]?.headers).not.toHaveProperty("authorization");
  });

  it("goes direct to a host in NO_PROXY", async () => {
    vi.stubEnv("NO_PROXY", "files.invalid");
    await expect(read("http://files.invalid/")).rejects.toThrow(/files\.invalid/);
    expect(asked).toEqual([]);
  });

  it("that the proxy refuses fails without its password", async () => {
    vi.stubEnv("HTTPS_PROXY", `http://me:wrong-word@127.0.0.1:${proxy}`);
    const { message } = await read("https://files.example/").catch((error) => error);
    expect(message).toBe("the proxy answers 407 Proxy Authentication Required");
  });
});
