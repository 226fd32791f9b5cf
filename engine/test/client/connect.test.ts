import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectDocker } from "../../src/client/connect.ts";
import { DockerConnectionError } from "../../src/client/connection-error.ts";
import { temporaryFolder } from "../folder.ts";

const certs = temporaryFolder();
const pem = (name: string): Buffer => readFileSync(join(certs, `${name}.pem`));
const running: Server[] = [];

/** An authority, and a key and certificate for "localhost" that it signed. */
beforeAll(() => {
  const openssl = (...words: string[]): Buffer =>
    execFileSync("openssl", words, { cwd: certs, stdio: "pipe" });
  const key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-subj", "/CN=authority", "-keyout", "ca-key.pem", "-out", "ca.pem");
  const names = ["-addext", "subjectAltName=DNS:localhost", "-CA", "ca.pem", "-CAkey", "ca-key.pem"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-subj",
    "/CN=localhost",
    ...names,
    "-keyout",
    "key.pem",
    "-out",
    "cert.pem",
  );
  openssl("req", "-x509", ...key, "-subj", "/CN=other", "-keyout", "other-key.pem", "-out", "other.pem");
});

afterEach(() => {
  for (const server of running.splice(0)) server.close();
});

async function listen(server: Server): Promise<string> {
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return `tcp://localhost:${(server.address() as AddressInfo).port}`;
}

const ok: RequestListener = (_, response) => response.end("OK");
const tls = (more: object = {}): Server =>
  createTlsServer({ key: pem("key"), cert: pem("cert"), ...more }, ok);

/** A folder with the named certificates: name in Docker's folder to name in this test's. */
function certFolder(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, from] of Object.entries(files))
    copyFileSync(join(certs, `${from}.pem`), join(folder, `${name}.pem`));
  return folder;
}

const client = (env: NodeJS.ProcessEnv) => connectDocker({ DOCKER_CONFIG: "/no/such/folder", ...env });
const problem = (env: NodeJS.ProcessEnv): Promise<Error> =>
  client(env)
    .ping()
    .then(
      () => expect.fail("Docker answered"),
      (error: Error) => error,
    );

describe("a connection with TLS", () => {
  it("uses the certificates of DOCKER_CERT_PATH", async () => {
    const DOCKER_HOST = await listen(tls({ requestCert: true, ca: pem("ca") }));
    const DOCKER_CERT_PATH = certFolder({ ca: "ca", cert: "cert", key: "key" });
    const answer = await client({ DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY: "1" }).ping();
    expect(String(answer)).toBe("OK");
  });

  it("without verification accepts any certificate", async () => {
    const DOCKER_HOST = await listen(tls());
    const DOCKER_CERT_PATH = certFolder({ ca: "other" });
    expect(String(await client({ DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS: "1" }).ping())).toBe("OK");
  });
});

describe("a failed connection names the address, what chose it, and the remedy:", () => {
  it("no socket", async () => {
    expect((await problem({ DOCKER_HOST: "unix:///no/such.sock" })).message).toBe(
      "Docker does not answer at unix:///no/such.sock (DOCKER_HOST): ENOENT: start it, or correct DOCKER_HOST",
    );
  });

  it("nothing listens", async () => {
    const address = await listen(createServer(ok));
    for (const server of running.splice(0)) await new Promise((closed) => server.close(closed));
    expect((await problem({ DOCKER_HOST: address })).message).toBe(
      `Docker does not answer at ${address} (DOCKER_HOST): ECONNREFUSED: start it, or correct DOCKER_HOST`,
    );
  });

  it("an unknown host", async () => {
    expect((await problem({ DOCKER_HOST: "tcp://no-such-host.invalid" })).message).toMatch(
      /^Docker does not answer at tcp:\/\/no-such-host\.invalid:2375 \(DOCKER_HOST\): the host name is unknown \((ENOTFOUND|EAI_AGAIN)\): correct DOCKER_HOST$/,
    );
  });

  it("an address that is refused", async () => {
    expect((await problem({ DOCKER_HOST: "ssh://far" })).message).toMatch(
      /^Docker at ssh:\/\/far \(DOCKER_HOST\)/,
    );
  });

  it("a certificate of another authority", async () => {
    const DOCKER_HOST = await listen(tls());
    const DOCKER_CERT_PATH = certFolder({ ca: "other" });
    const { message } = await problem({ DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY: "1" });
    expect(message).toMatch(/^Docker at tcp:\S+ \(DOCKER_HOST\): TLS failed: .*certificate/);
    expect(message).toContain(`signed by ${DOCKER_CERT_PATH}/ca.pem`);
  });

  it("no client certificate for a Docker that requires one", async () => {
    const DOCKER_HOST = await listen(tls({ requestCert: true, rejectUnauthorized: true, ca: pem("ca") }));
    const DOCKER_CERT_PATH = certFolder({ ca: "ca" });
    const { message } = await problem({ DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY: "1" });
    expect(message).toContain(`${DOCKER_CERT_PATH} has no cert.pem and key.pem`);
  });

  it("TLS where Docker speaks none, and none where it requires TLS", async () => {
    const DOCKER_CERT_PATH = certFolder({ ca: "ca" });
    const plain = await listen(createServer(ok));
    const loud = { DOCKER_HOST: plain, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY: "1" };
    expect((await problem(loud)).message).toMatch(/does not speak TLS: unset DOCKER_TLS_VERIFY/);
    // As Docker answers on such a port.
    const strict = createServer((_, response) =>
      response.writeHead(400).end("Client sent an HTTP request to an HTTPS server.\n"),
    );
    expect((await problem({ DOCKER_HOST: await listen(strict) })).message).toMatch(
      /expects TLS: set DOCKER_TLS/,
    );
  });

  it("an answer that breaks off", async () => {
    const DOCKER_HOST = await listen(
      createServer((_, response) => response.write("{", () => response.destroy())),
    );
    const stream = (await client({ DOCKER_HOST }).pull("x")) as unknown as Readable;
    await expect(text(stream)).rejects.toThrow(DockerConnectionError);
  });
});

describe("a failure of something else is not attributed to Docker:", () => {
  it("an answer with an error status", async () => {
    const DOCKER_HOST = await listen(createServer((_, response) => response.writeHead(500).end("ENOENT")));
    expect(await problem({ DOCKER_HOST })).not.toBeInstanceOf(DockerConnectionError);
  });

  it("data to send that cannot be read", async () => {
    const DOCKER_HOST = await listen(createServer((request) => request.resume()));
    const broken = Object.assign(new Error("the file is gone"), { code: "ENOENT" });
    const source = new Readable({ read: () => source.destroy(broken) });
    await expect(client({ DOCKER_HOST }).loadImage(source)).rejects.toBe(broken);
  });

  it("a request that is aborted", async () => {
    const DOCKER_HOST = await listen(createServer(() => undefined));
    const abortSignal = AbortSignal.timeout(50);
    const error = await client({ DOCKER_HOST })
      .pull("x", { abortSignal })
      .catch((reason) => reason);
    expect(error).not.toBeInstanceOf(DockerConnectionError);
  });
});
