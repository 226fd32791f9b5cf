import { statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import type { FileValue } from "../core/values.ts";
import type { Args, Evaluator, Resolver, SessionContext } from "../session/context.ts";
import { SizeError } from "../store/errors.ts";
import { exportFile } from "../store/export.ts";
import { hostPath } from "../store/host-path.ts";
import { digestOf, MOST_TEXT, type Store } from "../store/store.ts";
import { checkTarget, type TargetKind } from "../store/target.ts";
import { parseEnvFile } from "./env-file.ts";
import { exporting } from "./exporting.ts";
import { type JsonText, parseJson } from "./json-value.ts";
import { changeOf } from "./owner.ts";
import { searchFile } from "./search.ts";
import { statOf } from "./stat.ts";

const NEWLINE = 0x0a;

function blobOf(file: FileValue): string {
  if (!file.entry.blob)
    throw new UserError(`${file.name} is a symbolic link: select the file that it points to`);
  return file.entry.blob;
}

/** Some lines of a file, which itself may be larger than the API returns. */
async function readLines(store: Store, blob: string, offset: number, limit: number): Promise<string> {
  const kept: Buffer[] = [];
  let line = 0;
  let size = 0;
  for await (const chunk of store.readBlob(blob) as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length && line < offset + limit; ) {
      const end = chunk.indexOf("\n", at) + 1 || chunk.length;
      if (line >= offset) kept.push(chunk.subarray(at, end));
      if (line >= offset) size += end - at;
      if (chunk[end - 1] === NEWLINE) line++;
      at = end;
    }
    if (size > MOST_TEXT) throw new SizeError(size, MOST_TEXT);
    if (line >= offset + limit) break;
  }
  return Buffer.concat(kept).toString();
}

/**
 * Replaces a text that occurs once, or its first occurrence from line `firstFrom` (1 is the first), or all of them.
 * @throws UserError when the text does not occur, or occurs more than once without `all` or `firstFrom`.
 */
export function replaceText(
  text: string,
  search: string,
  replacement: string,
  { all, firstFrom }: { all: boolean; firstFrom?: number | undefined },
): string {
  const start =
    firstFrom === undefined
      ? 0
      : text
          .split("\n")
          .slice(0, firstFrom - 1)
          .join("\n").length;
  const at = text.indexOf(search, start);
  if (at < 0) {
    if (all) return text;
    throw new UserError(`withReplaced: search string not found: ${JSON.stringify(search)}`);
  }
  if (all) return text.slice(0, start) + text.slice(start).replaceAll(search, () => replacement);
  if (firstFrom === undefined && text.indexOf(search, at + 1) >= 0)
    throw new UserError(
      `withReplaced: search string found multiple times: ${JSON.stringify(search)}: use all or firstFrom`,
    );
  return text.slice(0, at) + replacement + text.slice(at + search.length);
}

/** A folder takes the file under the file's own name, if the caller allows that or ends the path in a slash. */
function targetOf({ path, allowParentDirPath }: Args, workdir: string): { target: string; kind: TargetKind } {
  return {
    target: hostPath(workdir, path),
    kind: allowParentDirPath || path.endsWith("/") ? "entry" : "file",
  };
}

async function exportEntry(file: FileValue, args: Args, session: SessionContext): Promise<string> {
  const { target, kind } = targetOf(args, session.workdir);
  const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? args.path.endsWith("/");
  const to = kind === "entry" && isFolder ? join(target, file.name) : target;
  await exportFile(session.store, file.entry, to, session.work.signal);
  return to;
}

export const file: Record<string, Evaluator> = {
  contents: (f: FileValue, { offsetLines, limitLines }, { store }) =>
    offsetLines == null && limitLines == null
      ? store.readBlobText(blobOf(f))
      : readLines(store, blobOf(f), offsetLines ?? 0, limitLines ?? Number.POSITIVE_INFINITY),
  search: (f: FileValue, args, { store }) => searchFile(store, f.name, f.entry, args),
  asEnvFile: (f: FileValue, _args, { store }) => parseEnvFile(store.readBlobText(blobOf(f))),
  asJSON: (f: FileValue, _args, { store }): JsonText => {
    const data = store.readBlobText(blobOf(f));
    parseJson(data);
    return { data };
  },
  name: (f: FileValue) => f.name,
  size: (f: FileValue) => f.entry.size ?? 0,
  digest: (f: FileValue, { excludeMetadata }) => {
    if (excludeMetadata) return `sha256:${blobOf(f)}`;
    return `sha256:${digestOf([f.name, f.entry.blob, f.entry.mode, f.entry.uid, f.entry.gid])}`;
  },
  stat: (f: FileValue) => statOf({ path: f.name, entry: f.entry }),
  chown: async (f: FileValue, { owner }, session): Promise<FileValue> => {
    const apply = await changeOf(session, { owner }, f.within);
    return { ...f, entry: apply(f.entry) };
  },
  withReplaced: async (f: FileValue, { search, replacement, all, firstFrom }, session) => {
    const text = session.store.readBlobText(blobOf(f));
    const changed = replaceText(text, search, replacement, { all, firstFrom: firstFrom ?? undefined });
    const { digest, size } = await session.store.putBlob(changed);
    return { ...f, entry: { ...f.entry, blob: digest, size } };
  },
  withName: (f: FileValue, { name }): FileValue => ({ ...f, name }),
  withTimestamps: (f: FileValue, { timestamp }): FileValue => ({
    ...f,
    entry: { ...f.entry, mtime: timestamp },
  }),
  export: exportEntry,
};

export const fileResolvers: Record<string, Resolver> = {
  export: exporting((args, { workdir }) => {
    const { target, kind } = targetOf(args, workdir);
    checkTarget(target, kind);
  }),
};
