import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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
  secret(plaintext: string, ownership: Ownership): string {
    this.memoryDir ??= mkdtempSync(join(memory, `${PREFIX}${ownProcess()}_`));
    const path = join(this.memoryDir, String(this.count++));
    writeFileSync(path, plaintext, { mode: 0o600 });
    own(path, { mode: 0o400, ...ownership });
    return path;
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
