import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { promisify } from "node:util";
import { proxySecrets } from "../client/proxies.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState, SecretValue } from "../core/values.ts";
import type { SecretSource } from "../docker/run.ts";
import type { Store } from "../store/store.ts";

const run = promisify(execFile);

/** Maximum size of a plaintext for setSecret, in bytes, as in the official API. */
const MAX_PLAINTEXT = 128_000;

/** Plaintexts of a session's secrets. They stay in memory; at most keyed digests are written to disk. */
export class Secrets implements SecretSource {
  private readonly set = new Map<string, Buffer>();
  private readonly resolved = new Map<string, Promise<Buffer>>();

  constructor(
    private readonly store: Store,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {}

  /** A keyed digest of a plaintext: without this store's key, guesses cannot be checked against it. */
  mac(plaintext: Buffer): string {
    return createHmac("sha256", this.store.macKey).update(plaintext).digest("hex");
  }

  /** Stores a plaintext in memory; returns its key for use in recipes. */
  remember(plaintext: string): string {
    const bytes = Buffer.from(plaintext);
    if (bytes.length > MAX_PLAINTEXT) {
      throw new UserError(`a secret may have ${MAX_PLAINTEXT} bytes at most: pass larger content as a file`);
    }
    const mac = this.mac(bytes);
    this.set.set(mac, bytes);
    return mac;
  }

  /** Whether a secret made by setSecret is known in this session. */
  knows(mac: string): boolean {
    return this.set.has(mac);
  }

  /** The secret that a URI names; its keys are derived from its plaintext, if that is available now. */
  async fromUri(uri: string, cacheKey?: string): Promise<SecretValue> {
    const name = uri;
    const key = await this.resolve(uri).then(
      (plaintext) => this.mac(plaintext),
      () => `uri:${uri}`,
    );
    return { name, uri, key, cacheKey: cacheKey ? `given:${cacheKey}` : key };
  }

  /** @throws UserError that names the source, never the value. */
  plaintext(secret: SecretValue): Promise<Buffer> {
    if (secret.uri !== undefined) return this.resolve(secret.uri);
    const known = this.set.get(secret.key);
    if (known !== undefined) return Promise.resolve(known);
    return Promise.reject(new UserError(`secret ${secret.name} is not known in this session: set it again`));
  }

  /** Every plaintext that a container receives: none of them may appear in its output. */
  async plaintextsOf(state: ContainerState): Promise<Buffer[]> {
    const secrets = [
      ...state.secretEnv.map(([, secret]) => secret),
      ...state.mounts.flatMap((mount) => (mount.secret ? [mount.secret] : [])),
      ...state.registryAuth.map(([, , secret]) => secret),
    ];
    const given = await Promise.all(secrets.map((secret) => this.plaintext(secret)));
    return [...given, ...proxySecrets().map((text) => Buffer.from(text))];
  }

  private resolve(uri: string): Promise<Buffer> {
    let value = this.resolved.get(uri);
    if (!value) {
      value = this.read(uri);
      this.resolved.set(uri, value);
      value.catch(() => undefined);
    }
    return value;
  }

  private async read(uri: string): Promise<Buffer> {
    const [, scheme, rest] = /^(\w+):(?:\/\/)?(.*)$/s.exec(uri) ?? [];
    if (scheme === "env") return this.readEnv(rest as string);
    if (scheme === "file") return readSecretFile(rest as string);
    if (scheme === "cmd") return runSecretCommand(rest as string);
    throw new UserError(
      `unsupported secret provider ${JSON.stringify(scheme ?? uri)}: the embedded engine takes env://NAME, file://PATH and cmd://COMMAND`,
    );
  }

  private readEnv(name: string): Buffer {
    const value = this.env[name];
    if (value === undefined)
      throw new UserError(`secret env var not found: ${JSON.stringify(name)}: set it and run again`);
    return Buffer.from(value);
  }
}

async function readSecretFile(path: string): Promise<Buffer> {
  const expanded = path.startsWith("~/") ? path.replace("~", homedir()) : path;
  try {
    return await readFile(expanded);
  } catch (error) {
    throw new UserError(
      `secret file ${expanded} cannot be read (${(error as NodeJS.ErrnoException).code}): check the path`,
    );
  }
}

async function runSecretCommand(command: string): Promise<Buffer> {
  try {
    const { stdout } = await run("sh", ["-c", command], { maxBuffer: MAX_PLAINTEXT * 2, encoding: "buffer" });
    return stdout;
  } catch (error) {
    throw new UserError(
      `secret command failed with exit code ${(error as { code?: number }).code}: run it by hand to see why`,
    );
  }
}
