import { createHash, randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
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
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { BlobWriter } from "./blob-writer.ts";
import { inCache, SizeError } from "./errors.ts";
import { isAlive, ownProcess } from "./process.ts";

/** Bytes of text that the API returns at once, as in the official engine's File.contents. */
export const MOST_TEXT = 128 * 1024 * 1024;

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
    inCache(path, () => {
      for (const dir of ["blobs", "results", "tmp"]) makeFolder(join(path, dir));
    });
  }

  /** This store's key for MACs of secret values: from plain hashes on disk, secrets could be guessed. */
  get macKey(): Buffer {
    const path = join(this.path, "key");
    return inCache(this.path, () => {
      if (!existsSync(path)) this.makeKey(path);
      return readFileSync(path);
    });
  }

  private makeKey(path: string): void {
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

  /** A new path for a temporary file; its name contains the owning process. */
  tmpPath(): string {
    return join(this.path, "tmp", `${ownProcess()}_${this.mark}_${++this.count}`);
  }

  /** Removes the temporary files of killed processes. */
  reap(): void {
    removeAbandoned(join(this.path, "tmp"));
  }

  blobPath(digest: string): string {
    // A digest can come from an ID, which anyone can write: it must not name a path.
    if (!/^[0-9a-f]+$/.test(digest)) throw new Error(`invalid digest ${JSON.stringify(digest)}`);
    return join(this.path, "blobs", digest.slice(0, 2), digest.slice(2));
  }

  readBlob(digest: string): Readable {
    return createReadStream(this.blobPath(digest));
  }

  /** @throws SizeError for more than `limit` bytes, by default as many as the API returns. */
  readBlobText(digest: string, limit = MOST_TEXT): string {
    const { size } = this.statBlob(digest);
    if (size > limit) throw new SizeError(size, limit);
    return inCache(this.path, () => readFileSync(this.blobPath(digest), "utf8"));
  }

  /** Whether a blob can be read. One that cannot, such as one that root has written, is written anew. */
  hasBlob(digest: string): boolean {
    try {
      accessSync(this.blobPath(digest), constants.R_OK);
      return true;
    } catch {
      return false;
    }
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
      this.write(this.blobPath(digest), bytes);
    }
    return { digest, size: bytes.length };
  }

  /** Writes a file of the cache directory: other processes see either all of it or none. */
  write(path: string, content: Buffer | string): void {
    inCache(this.path, () => {
      const tmp = this.tmpPath();
      try {
        writeFileSync(tmp, content, { mode: 0o600 });
        this.place(tmp, path);
      } finally {
        rmSync(tmp, { force: true });
      }
    });
  }

  /** Writes a folder of files, as `write` writes a file. Leaves one that another process has written in the meantime. */
  writeFolder(path: string, files: Record<string, Uint8Array | string>): void {
    inCache(this.path, () => {
      const tmp = this.tmpPath();
      mkdirSync(tmp, { mode: 0o700 });
      try {
        for (const [name, content] of Object.entries(files)) writeFileSync(join(tmp, name), content);
        if (!existsSync(path)) this.place(tmp, path);
      } catch (error) {
        if (!existsSync(path)) throw error;
      } finally {
        rmSync(tmp, { recursive: true, force: true });
      }
    });
  }

  /** Renames a finished temporary file to the blob of its digest. */
  adopt(tmp: string, digest: string): void {
    inCache(this.path, () => this.place(tmp, this.blobPath(digest)));
  }

  private place(tmp: string, path: string): void {
    try {
      renameSync(tmp, path);
    } catch {
      // The first file of its folder, which does not exist yet.
      makeFolder(dirname(path));
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
    this.write(this.resultPath(kind, key), JSON.stringify(value));
  }

  /** Removes all records of a kind. */
  dropResults(kind: string): void {
    inCache(this.path, () => rmSync(join(this.path, "results", kind), { recursive: true, force: true }));
  }
}

/** Creates a folder and those above it. Node's own way says ENOENT where the file system is read-only. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
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
