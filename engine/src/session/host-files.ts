import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostFileSpace, Ownership } from "../docker/run.ts";
import { ownProcess } from "../store/process.ts";
import { removeAbandoned, type Store } from "../store/store.ts";
import type { Entry } from "../store/tree.ts";

const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const PREFIX = "stackline-";

/** Removes the secrets of killed runs. */
export function reapHostFiles(): void {
  removeAbandoned(memory, PREFIX);
}

/** Host files that are bind-mounted into containers: secrets in memory, mounted files in the store's temporary folder. */
export class HostFiles implements HostFileSpace {
  private memoryDir?: string;
  private diskDir?: string;
  private count = 0;

  constructor(private readonly store: Store) {}

  /** Writes a secret to memory (a tmpfs where the machine has one) and returns its path. */
  secret(plaintext: Buffer, ownership: Ownership): string {
    const path = this.inMemory();
    writeFileSync(path, plaintext, { mode: 0o600 });
    own(path, { mode: 0o400, ...ownership });
    return path;
  }

  private inMemory(): string {
    this.memoryDir ??= mkdtempSync(join(memory, `${PREFIX}${ownProcess()}_`));
    return join(this.memoryDir, String(this.count++));
  }

  /** A socket that leads to another one. Its owner can use it, also if only root can give it to that owner. */
  async socket(target: string, ownership: Ownership): Promise<{ path: string; close(): Promise<void> }> {
    const path = this.inMemory();
    const server = createServer((client) => {
      const upstream = connect(target);
      client.pipe(upstream).pipe(client);
      client.on("error", () => upstream.destroy());
      upstream.on("error", () => client.destroy());
    });
    await once(server.listen(path), "listening");
    server.unref();
    own(path, { ...ownership, mode: process.getuid?.() === 0 ? 0o600 : 0o666 });
    return { path, close: async () => void server.close() };
  }

  /** A copy of a file, for a container that may write to it. */
  place(entry: Entry): string {
    if (!this.diskDir) {
      this.diskDir = this.store.tmpPath();
      mkdirSync(this.diskDir, { mode: 0o700 });
    }
    const path = join(this.diskDir, String(this.count++));
    copyFileSync(this.store.blobPath(entry.blob as string), path);
    own(path, entry);
    utimesSync(path, entry.mtime, entry.mtime);
    return path;
  }

  dispose(): void {
    for (const dir of [this.memoryDir, this.diskDir]) if (dir) rmSync(dir, { recursive: true, force: true });
  }
}

function own(path: string, { uid = 0, gid = 0, mode = 0o400 }: Ownership): void {
  // Only root can change owners; otherwise the container's root can still read the file.
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode);
}
