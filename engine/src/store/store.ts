import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { BlobWriter } from "./blob-writer.ts";
import { SizeError } from "./errors.ts";
import { isAlive, ownProcess } from "./process.ts";

/** Bytes of text that the API returns at once, as in the official engine's File.contents. */
export const MOST_TEXT = 128 * 1024 * 1024;

/** The cache directory: STACKLINE_CACHE, else `stackline` in the user's cache directory. */
export function defaultStorePath(env: NodeJS.ProcessEnv = process.env): string {
  return env.STACKLINE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "stackline");
}

/**
 * A content-addressed cache on disk: blobs (file contents) and results (small JSON records).
 * Every write goes to a temporary file that is then renamed, so that readers, also in other processes,
 * see either the whole record or none.
 */
export class Store {
  /** Distinguishes this store's temporary files from those of another store in the same process. */
  private readonly mark = randomBytes(4).toString("hex");
  private count = 0;

  constructor(readonly path: string) {
    for (const dir of ["blobs", "results", "tmp"])
      mkdirSync(join(path, dir), { recursive: true, mode: 0o700 });
  }

  /** This store's key for MACs of secret values: from plain hashes on disk, secrets could be guessed. */
  get macKey(): Buffer {
    const path = join(this.path, "key");
    if (!existsSync(path)) {
      const tmp = this.tmpPath();
      writeFileSync(tmp, randomBytes(32), { mode: 0o600 });
      // A link, unlike a rename, does not replace a key that another process has created in the meantime.
      try {
        linkSync(tmp, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      } finally {
        rmSync(tmp);
      }
    }
    return readFileSync(path);
  }

  /** A new path for a temporary file; its name contains the owning process. */
  tmpPath(): string {
    return join(this.path, "tmp", `${ownProcess()}_${this.mark}_${++this.count}`);
  }

  /** Removes the temporary files of killed processes. */
  reap(): void {
    removeAbandoned(join(this.path, "tmp"));
  }

  blobPath(digest: string): string {
    return join(this.path, "blobs", digest.slice(0, 2), digest.slice(2));
  }

  readBlob(digest: string): Readable {
    return createReadStream(this.blobPath(digest));
  }

  /** @throws SizeError for more than `limit` bytes, by default as many as the API returns. */
  readBlobText(digest: string, limit = MOST_TEXT): string {
    const { size } = this.statBlob(digest);
    if (size > limit) throw new SizeError(size, limit);
    return readFileSync(this.blobPath(digest), "utf8");
  }

  hasBlob(digest: string): boolean {
    return existsSync(this.blobPath(digest));
  }

  statBlob(digest: string): { size: number } {
    return { size: statSync(this.blobPath(digest)).size };
  }

  /** The last `limit` bytes of a blob as text, and how many bytes there are before them. */
  readBlobTail(digest: string, limit: number): { text: string; omitted: number } {
    const file = openSync(this.blobPath(digest), "r");
    try {
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, limit));
      readSync(file, bytes, 0, bytes.length, size - bytes.length);
      return { text: bytes.toString("utf8"), omitted: size - bytes.length };
    } finally {
      closeSync(file);
    }
  }

  /** Opens a new blob for writing. */
  openBlob(): BlobWriter {
    return new BlobWriter(this);
  }

  /** Stores a stream as a blob. */
  async writeBlob(source: Readable): Promise<{ digest: string; size: number }> {
    const writer = this.openBlob();
    try {
      for await (const chunk of source) writer.write(chunk as Buffer);
      return writer.finish();
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  /** Stores bytes as a blob; an existing blob is not written again. */
  async putBlob(content: Buffer | string): Promise<{ digest: string; size: number }> {
    const bytes = Buffer.from(content);
    const digest = createHash("sha256").update(bytes).digest("hex");
    if (!this.hasBlob(digest)) {
      const tmp = this.tmpPath();
      writeFileSync(tmp, bytes, { mode: 0o600 });
      this.adopt(tmp, digest);
    }
    return { digest, size: bytes.length };
  }

  /** Renames a finished temporary file to the blob of its digest. */
  adopt(tmp: string, digest: string): void {
    const path = this.blobPath(digest);
    try {
      renameSync(tmp, path);
    } catch {
      // The first blob with this prefix: its folder does not exist yet.
      mkdirSync(join(path, ".."), { recursive: true });
      renameSync(tmp, path);
    }
  }

  private resultPath(kind: string, key: string): string {
    return join(this.path, "results", kind, `${key}.json`);
  }

  /** A stored record; undefined if there is none or it cannot be read. */
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

  /** Removes all records of a kind. */
  dropResults(kind: string): void {
    rmSync(join(this.path, "results", kind), { recursive: true, force: true });
  }
}

/** A digest of any JSON value with stable key order given by the caller. */
export function digestOf(...parts: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Removes this user's files that are named after a process (see `tmpPath`) that has ended. */
export function removeAbandoned(dir: string, prefix = ""): void {
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(prefix) || !name.includes("_")) continue;
    const [owner = ""] = name.slice(prefix.length).split("_");
    const path = join(dir, name);
    // Root could remove another user's, which may belong to a process in another PID namespace.
    if (isAlive(owner) || !isOwn(path)) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

function isOwn(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
}
