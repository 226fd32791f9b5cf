import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { resolveEndpoint } from "../../src/client/endpoint.ts";
import { temporaryFolder } from "../folder.ts";

let folder: string;
const resolve = (env: NodeJS.ProcessEnv = {}): ReturnType<typeof resolveEndpoint> =>
  resolveEndpoint({ DOCKER_CONFIG: folder, ...env });

beforeEach(() => {
  folder = temporaryFolder();
});

/** Creates a context as `docker context create` does. */
function addContext(name: string, docker: object, pem: Record<string, string> = {}): void {
  const id = createHash("sha256").update(name).digest("hex");
  const [meta, tls] = [join(folder, "contexts/meta", id), join(folder, "contexts/tls", id, "docker")];
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, "meta.json"), JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker } }));
  for (const [file, text] of Object.entries(pem)) {
    mkdirSync(tls, { recursive: true });
    writeFileSync(join(tls, file), text);
  }
}

function configure(config: object): void {
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
}

describe("Docker's address", () => {
  it("is the default socket if nothing is set", () => {
    expect(resolve()).toEqual({
      address: "unix:///var/run/docker.sock",
      source: "the default",
      socketPath: "/var/run/docker.sock",
    });
  });

  it.each([
    ["unix:///run/other.sock", { socketPath: "/run/other.sock" }],
    ["unix://", { socketPath: "/var/run/docker.sock" }],
    ["tcp://docker:2376", { address: "tcp://docker:2376", host: "docker", port: "2376" }],
    ["docker", { address: "tcp://docker:2375", host: "docker", port: "2375" }],
    ["tcp://docker:80", { host: "docker", port: "80" }],
    [":2375", { host: "localhost", port: "2375" }],
    ["tcp://[::1]:2375", { address: "tcp://[::1]:2375", host: "::1", port: "2375" }],
    ["tcp://user:word@docker", { address: "tcp://docker:2375" }],
  ])("in DOCKER_HOST may be %s", (DOCKER_HOST, expected) => {
    expect(resolve({ DOCKER_HOST })).toMatchObject({ source: "DOCKER_HOST", ...expected });
  });

  it("is that of the context in use, or of DOCKER_CONTEXT; DOCKER_HOST comes first", () => {
    addContext("other", { Host: "unix:///run/other.sock" });
    addContext("third", { Host: "tcp://third:2375" });
    configure({ currentContext: "other" });
    expect(resolve()).toMatchObject({
      socketPath: "/run/other.sock",
      source: `context "other" of ${folder}/config.json`,
    });
    expect(resolve({ DOCKER_CONTEXT: "third" })).toMatchObject({
      host: "third",
      source: 'context "third" of DOCKER_CONTEXT',
    });
    expect(resolve({ DOCKER_CONTEXT: "default" })).toMatchObject({ socketPath: "/var/run/docker.sock" });
    expect(resolve({ DOCKER_CONTEXT: "third", DOCKER_HOST: "tcp://first" })).toMatchObject({ host: "first" });
  });

  it("has the certificates of its context", () => {
    addContext("safe", { Host: "tcp://safe:2376" }, { "ca.pem": "CA", "cert.pem": "C", "key.pem": "K" });
    const { tls } = resolve({ DOCKER_CONTEXT: "safe" });
    expect(tls).toMatchObject({ verify: true, ca: "CA", cert: "C", key: "K" });
    addContext("lax", { Host: "tcp://lax:2376", SkipTLSVerify: true });
    expect(resolve({ DOCKER_CONTEXT: "lax" }).tls).toMatchObject({ verify: false });
  });

  it("has the certificates of DOCKER_CERT_PATH, else of Docker's configuration", () => {
    const certs = temporaryFolder();
    for (const [at, name] of [
      [certs, "ca"],
      [folder, "own"],
    ] as const)
      writeFileSync(join(at, "ca.pem"), name);
    const tcp = { DOCKER_HOST: "tcp://d:2376", DOCKER_TLS_VERIFY: "1" };
    expect(resolve({ ...tcp, DOCKER_CERT_PATH: certs }).tls).toMatchObject({ verify: true, ca: "ca" });
    expect(resolve(tcp).tls).toMatchObject({ ca: "own", folder });
    expect(resolve({ DOCKER_HOST: "tcp://d", DOCKER_TLS: "1" }).tls).toMatchObject({ verify: false });
    expect(resolve({ DOCKER_TLS_VERIFY: "1" })).toMatchObject({ address: "tcp://localhost:2376" });
  });

  it("needs no certificates for a socket, or without DOCKER_TLS_VERIFY", () => {
    expect(resolve({ DOCKER_HOST: "unix:///run/d.sock", DOCKER_TLS_VERIFY: "1" }).tls).toBeUndefined();
    expect(resolve({ DOCKER_HOST: "tcp://d", DOCKER_CERT_PATH: "/no/such" }).tls).toBeUndefined();
  });
});

describe("an address that cannot be used is refused with its source:", () => {
  it.each([
    [
      "certificates that are missing",
      { DOCKER_HOST: "tcp://d:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/no/such" },
      /^DOCKER_TLS_VERIFY is set, but \/no\/such\/ca\.pem does not exist \(DOCKER_CERT_PATH\): set/,
    ],
    [
      "TLS without a certificate path",
      { DOCKER_HOST: "tcp://d:2376", DOCKER_TLS: "1" },
      /^DOCKER_TLS is set, but .*\/ca\.pem does not exist \(DOCKER_CERT_PATH is not set\): set/,
    ],
    [
      "an unknown context",
      { DOCKER_CONTEXT: "gone" },
      /^Docker's context "gone" of DOCKER_CONTEXT does not exist/,
    ],
    ["an unknown scheme", { DOCKER_HOST: "ftp://d" }, /^Docker's address in DOCKER_HOST is not valid: give/],
    ["no host", { DOCKER_HOST: "tcp://d:port" }, /^Docker's address in DOCKER_HOST is not valid: give/],
    [
      "SSH",
      { DOCKER_HOST: "ssh://me:word@build:22/run" },
      /^Docker at ssh:\/\/build:22 \(DOCKER_HOST\) cannot be used: .* needs a Docker of this machine/,
    ],
  ])("%s", (_, env, line) => {
    expect(() => resolve(env)).toThrow(line);
  });

  it("SSH of a context", () => {
    addContext("far", { Host: "ssh://me@far" });
    configure({ currentContext: "far" });
    expect(() => resolve()).toThrow(
      /^Docker at ssh:\/\/far \(context "far" of .*config\.json\) cannot be used/,
    );
  });
});
