import { posix, resolve } from "node:path";
import type { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue, SecretValue } from "../core/values.ts";
import { buildImage } from "../docker/build.ts";
import { stateOfImage } from "../docker/images.ts";
import { type Found, findInTree } from "../docker/read.ts";
import type { Args, Evaluator, Resolver } from "../session/context.ts";
import { checkFolder, exportTree } from "../store/export.ts";
import { filterTree, patternRegex } from "../store/patterns.ts";
import { type Entry, newDirectory, newFile, normalise, type Tree } from "../store/tree.ts";
import { exporting } from "./exporting.ts";
import { numericOwner } from "./owner.ts";
import { requirePlatform } from "./platform.ts";
import { refuseIgnored, searchFiles } from "./search.ts";
import { statOf, typeOf } from "./stat.ts";

/** An evaluator that changes only the tree. */
function change(apply: (tree: Tree, args: Args) => Tree): Evaluator {
  return (dir: DirectoryValue, args) => ({ ...dir, tree: apply(dir.tree, args) });
}

function placed(args: Args, entry: Entry): Entry {
  return {
    ...entry,
    ...(args.permissions != null && { mode: args.permissions }),
    ...(args.owner && numericOwner(args.owner)),
  };
}

function requireDirectory(tree: Tree, path: string): Tree {
  const found = follow(tree, path, true);
  if (!found || !("tree" in found)) throw new UserError(`${path}: no such directory`);
  return found.tree;
}

/** What is at a path of a tree, with links in the path followed. */
function follow(tree: Tree, path: string, last: boolean, links = 0): Found | undefined {
  const parts = normalise(path).split("/");
  for (const [i, _] of parts.entries()) {
    const entry = tree.get(parts.slice(0, i + 1).join("/"));
    if (entry?.type !== "link" || (i === parts.length - 1 && !last)) continue;
    if (links > 40) throw new UserError(`${path}: its symbolic links form a cycle`);
    const target = posix.resolve("/", ...parts.slice(0, i), entry.target ?? "");
    return follow(tree, posix.join(target, ...parts.slice(i + 1)), last, links + 1);
  }
  return findInTree(tree, path);
}

export const directory: Record<string, Evaluator> = {
  entries: (dir: DirectoryValue, { path }) => requireDirectory(dir.tree, path ?? "/").list(),
  findUp: (dir: DirectoryValue, { name, start }) => findUp(dir.tree, normalise(start), name),
  search: (dir: DirectoryValue, args, session) => {
    refuseIgnored(args);
    return searchFiles(session.store, dir.tree.toJSON(), args);
  },
  glob: (dir: DirectoryValue, { pattern }) => {
    const matches = patternRegex(normalise(pattern));
    return dir.tree.allPaths
      .filter((path) => matches.test(path))
      .map((path) => (dir.tree.isDirectory(path) ? `${path}/` : path));
  },
  exists: (dir: DirectoryValue, { path, expectedType, doNotFollowSymlinks }) => {
    const found = follow(dir.tree, path, !doNotFollowSymlinks);
    return found !== undefined && (!expectedType || expectedType === `${typeOf(found)}_TYPE`);
  },
  stat: (dir: DirectoryValue, { path, doNotFollowSymlinks }) => {
    const found = follow(dir.tree, path, !doNotFollowSymlinks);
    return found ? statOf(posix.basename(normalise(path)) || "/", found) : null;
  },
  chown: change((tree, { path, owner }) => {
    const at = normalise(path);
    return tree.map((entry, name) =>
      at === "" || name === at || name.startsWith(`${at}/`) ? { ...entry, ...numericOwner(owner) } : entry,
    );
  }),
  withError: (_, { err }) => {
    throw new UserError(err);
  },
  name: (dir: DirectoryValue) => `${dir.name ?? ""}/`,
  digest: (dir: DirectoryValue) => `sha256:${dir.tree.digest}`,
  file: (dir: DirectoryValue, { path }): FileValue => {
    const found = follow(dir.tree, path, true);
    if (!found) throw new UserError(`${path}: no such file`);
    if (!("entry" in found)) throw new UserError(`${path}: is a directory, not a file: select directory`);
    return { name: posix.basename(path), entry: found.entry };
  },
  directory: (dir: DirectoryValue, { path }): DirectoryValue => ({
    tree: requireDirectory(dir.tree, path),
    name: posix.basename(normalise(path)),
  }),
  withNewFile: async (dir: DirectoryValue, { path, contents, permissions }, session) => {
    const { digest, size } = await session.store.putBlob(contents);
    return { ...dir, tree: dir.tree.with(path, newFile(digest, size, permissions)) };
  },
  withNewDirectory: change((tree, { path, permissions }) =>
    // With the API's documented default, 0644, nobody could enter the folder.
    tree.with(path, newDirectory(permissions === 0o644 ? 0o755 : permissions)),
  ),
  withFile: async (dir: DirectoryValue, args, session) => {
    const { name, entry } = await session.evaluate<FileValue>(args.source);
    const path = args.path.endsWith("/") ? `${args.path}${name}` : args.path;
    return { ...dir, tree: dir.tree.with(path, placed(args, entry)) };
  },
  withFiles: async (dir: DirectoryValue, args, session) => {
    const files = await Promise.all(args.sources.map((source: never) => session.evaluate<FileValue>(source)));
    const tree = files.reduce<Tree>(
      (t, { name, entry }) => t.with(posix.join(args.path, name), placed(args, entry)),
      dir.tree,
    );
    return { ...dir, tree };
  },
  withDirectory: async (dir: DirectoryValue, args, session) => {
    const { tree } = await session.evaluate<DirectoryValue>(args.source);
    const wanted = filterTree(tree, args).map((entry) =>
      args.owner ? { ...entry, ...numericOwner(args.owner) } : entry,
    );
    const under =
      normalise(args.path) === "" || wanted.paths.length > 0
        ? dir.tree
        : dir.tree.with(args.path, newDirectory());
    return { ...dir, tree: under.merge(args.path, wanted) };
  },
  withSymlink: change((tree, { target, linkName }) =>
    tree.with(linkName, { type: "link", mode: 0o777, uid: 0, gid: 0, mtime: 0, target }),
  ),
  withTimestamps: change((tree, { timestamp }) => tree.map((entry) => ({ ...entry, mtime: timestamp }))),
  withoutFile: change((tree, { path }) => tree.without(path)),
  withoutFiles: change((tree, { paths }) => paths.reduce((t: Tree, path: string) => t.without(path), tree)),
  withoutDirectory: change((tree, { path }) => tree.without(path)),
  filter: change((tree, args) => filterTree(tree, args)),
  diff: async (dir: DirectoryValue, { other }, session) => {
    const { tree } = await session.evaluate<DirectoryValue>(other);
    return { ...dir, tree: tree.filter((path, entry) => !sameEntry(entry, dir.tree.get(path))) };
  },
  export: async (dir: DirectoryValue, { path, wipe }, session) => {
    const target = resolve(session.workdir, path);
    await exportTree(session.store, dir.tree, target, { wipe, signal: session.work.signal });
    return target;
  },
  dockerBuild: async (dir: DirectoryValue, args, session): Promise<ContainerState> => {
    if (args.ssh)
      throw new UserError("dockerBuild: the embedded engine does not support ssh; the official engine does");
    const { dockerfile, target, buildArgs, platform } = args;
    requirePlatform(platform);
    const secrets = await Promise.all(
      args.secrets.map((secret: Call) => session.evaluate<SecretValue>(secret)),
    );
    const image = await buildImage(session, dir.tree, {
      dockerfile,
      target,
      buildArgs,
      secrets,
    });
    return stateOfImage(session, image);
  },
};

export const directoryResolvers: Record<string, Resolver> = {
  export: exporting(({ path, wipe }, { workdir }) => checkFolder(resolve(workdir, path), wipe)),
};

/** The nearest path with a name, from a folder upward. */
function findUp(tree: Tree, from: string, name: string): string | null {
  for (let at = from; ; at = posix.dirname(at)) {
    const path = normalise(posix.join(at, name));
    if (tree.get(path) || tree.isDirectory(path)) return path;
    if (at === "" || at === ".") return null;
  }
}

function sameEntry(a: Entry, b: Entry | undefined): boolean {
  return (
    b !== undefined &&
    a.type === b.type &&
    a.mode === b.mode &&
    a.blob === b.blob &&
    a.target === b.target &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
}
