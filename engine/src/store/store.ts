import { createHash, randomBytes } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Where results are kept: STACKLINE_CACHE, else `stackline` in the user's cache directory. */
export function defaultStorePath(env: NodeJS.ProcessEnv = process.env): string {
  return env.STACKLINE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "stackline");
}

/**
 * What ran once, kept on disk by content: blobs (file contents) and results (small JSON records).
 * Every write is to a temporary file that is renamed, so that readers, other processes among them,
 * see all of it or nothing.
 */
export class Store {
  constructor(readonly path: string) {
    for (const dir of ["blobs", "results", "tmp"])
      mkdirSync(join(path, dir), { recursive: true, mode: 0o700 });
  }

  /** A key of this store for MACs of secret values: their plain hashes could be guessed from the disk. */
  get macKey(): Buffer {
    const path = join(this.path, "key");
    if (!existsSync(path)) {
      const tmp = this.tmpPath();
      writeFileSync(tmp, randomBytes(32), { mode: 0o600 });
      renameSync(tmp, path);
    }
    return readFileSync(path);
  }

  tmpPath(): string {
    return join(this.path, "tmp", randomBytes(12).toString("hex"));
  }

  blobPath(digest: string): string {
    return join(this.path, "blobs", digest.slice(0, 2), digest.slice(2));
  }

  readBlob(digest: string): Readable {
    return createReadStream(this.blobPath(digest));
  }

  readBlobText(digest: string): string {
    return readFileSync(this.blobPath(digest), "utf8");
  }

  hasBlob(digest: string): boolean {
    return existsSync(this.blobPath(digest));
  }

  /** Takes in a stream of bytes. */
  async writeBlob(source: Readable): Promise<{ digest: string; size: number }> {
    const hash = createHash("sha256");
    let size = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    const tmp = this.tmpPath();
    try {
      await pipeline(source, meter, createWriteStream(tmp, { mode: 0o600 }));
      const digest = hash.digest("hex");
      const path = this.blobPath(digest);
      await mkdir(join(path, ".."), { recursive: true });
      await rename(tmp, path);
      return { digest, size };
    } catch (error) {
      rmSync(tmp, { force: true });
      throw error;
    }
  }

  /** Takes in bytes at hand; what is already there is not written again. */
  async putBlob(content: Buffer | string): Promise<{ digest: string; size: number }> {
    const bytes = Buffer.from(content);
    const digest = createHash("sha256").update(bytes).digest("hex");
    if (!this.hasBlob(digest)) await this.writeBlob(Readable.from([bytes]));
    return { digest, size: bytes.length };
  }

  private resultPath(kind: string, key: string): string {
    return join(this.path, "results", kind, `${key}.json`);
  }

  /** A kept record, or undefined; one that cannot be read counts as absent. */
  getResult<T>(kind: string, key: string): T | undefined {
    try {
      return JSON.parse(readFileSync(this.resultPath(kind, key), "utf8")) as T;
    } catch {
      return undefined;
    }
  }

  async putResult(kind: string, key: string, value: unknown): Promise<void> {
    const path = this.resultPath(kind, key);
    const tmp = this.tmpPath();
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(tmp, JSON.stringify(value), { mode: 0o600 });
    await rename(tmp, path);
  }

  /** Forgets all records of a kind. */
  dropResults(kind: string): void {
    rmSync(join(this.path, "results", kind), { recursive: true, force: true });
  }
}

/** A digest of any JSON value with stable key order given by the caller. */
export function digestOf(...parts: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
