import { createHash } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { inCache } from "./errors.ts";

/** Bytes that are buffered in memory before they are written to disk: most outputs and files are smaller. */
const BUFFERED = 256 * 1024;

/** Where finished blobs go. */
interface BlobSink {
  /** The cache directory. */
  readonly path: string;
  hasBlob(digest: string): boolean;
  tmpPath(): string;
  /** Renames a finished temporary file to the blob of its digest. */
  adopt(tmp: string, digest: string): void;
}

/** A blob being written: small ones in one write at the end, large ones as data arrives. */
export class BlobWriter {
  private readonly hash = createHash("sha256");
  private chunks: Buffer[] = [];
  private buffered = 0;
  private file?: { path: string; fd: number };
  size = 0;

  constructor(private readonly store: BlobSink) {}

  write(chunk: Buffer): void {
    this.hash.update(chunk);
    this.size += chunk.length;
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    if (this.buffered > BUFFERED) this.flush();
  }

  finish(): { digest: string; size: number } {
    const digest = this.hash.digest("hex");
    if (this.store.hasBlob(digest)) {
      this.abort();
    } else {
      this.flush();
      const { path, fd } = this.file as { path: string; fd: number };
      closeSync(fd);
      this.store.adopt(path, digest);
    }
    return { digest, size: this.size };
  }

  /** Discards what was written. */
  abort(): void {
    this.chunks = [];
    if (!this.file) return;
    closeSync(this.file.fd);
    rmSync(this.file.path, { force: true });
  }

  private flush(): void {
    inCache(this.store.path, () => {
      if (!this.file) {
        const path = this.store.tmpPath();
        this.file = { path, fd: openSync(path, "wx", 0o600) };
      }
      for (const chunk of this.chunks)
        for (let at = 0; at < chunk.length; ) at += writeSync(this.file.fd, chunk, at);
    });
    this.chunks = [];
    this.buffered = 0;
  }
}
