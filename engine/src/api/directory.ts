import { posix, resolve } from "node:path";
import picomatch from "picomatch";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue } from "../core/values.ts";
import { buildImage } from "../docker/build.ts";
import { stateOfImage } from "../docker/images.ts";
import type { Args, Evaluator } from "../session/evaluate.ts";
import { exportTree } from "../store/host.ts";
import { filterTree } from "../store/patterns.ts";
import { type Entry, newDirectory, newFile, normalise, type Tree } from "../store/tree.ts";

/** The directory's name and the other fields stay; only the tree changes. */
function change(apply: (tree: Tree, args: Args) => Tree): Evaluator {
  return (dir: DirectoryValue, args) => ({ ...dir, tree: apply(dir.tree, args) });
}

function numericOwner(owner: string): { uid: number; gid: number } {
  const [uid = "0", gid = uid] = owner.split(":");
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new UserError(
      `owner ${JSON.stringify(owner)}: a directory has no user names; give numbers such as "1000:1000"`,
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function placed(args: Args, entry: Entry): Entry {
  return {
    ...entry,
    ...(args.permissions != null && { mode: args.permissions }),
    ...(args.owner && numericOwner(args.owner)),
  };
}

function requireDirectory(tree: Tree, path: string): Tree {
  if (!tree.isDirectory(path)) throw new UserError(`${path}: no such directory`);
  return tree.subtree(path);
}

function isInside(tree: Tree, path: string, type: string | undefined): boolean {
  const entry = tree.get(path);
  if (!entry) return tree.isDirectory(path) && (!type || type === "DIRECTORY_TYPE");
  const types = { dir: "DIRECTORY_TYPE", file: "REGULAR_TYPE", link: "SYMLINK_TYPE" };
  return !type || types[entry.type] === type;
}

export const directory: Record<string, Evaluator> = {
  entries: (dir: DirectoryValue, { path }) => requireDirectory(dir.tree, path ?? "/").list(),
  glob: (dir: DirectoryValue, { pattern }) => {
    const matches = picomatch(normalise(pattern), { dot: true });
    return dir.tree.allPaths
      .filter((path) => matches(path))
      .map((path) => (dir.tree.isDirectory(path) ? `${path}/` : path));
  },
  exists: (dir: DirectoryValue, { path, expectedType }) => isInside(dir.tree, path, expectedType),
  name: (dir: DirectoryValue) => `${dir.name ?? ""}/`,
  digest: (dir: DirectoryValue) => `sha256:${dir.tree.digest}`,
  file: (dir: DirectoryValue, { path }): FileValue => {
    const entry = dir.tree.get(path);
    if (!entry || entry.type === "dir") throw new UserError(`${path}: no such file`);
    return { name: posix.basename(path), entry };
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
    // The API's documented default, 0644, would make a folder that nobody can enter.
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
    await exportTree(session.store, dir.tree, target, wipe);
    return target;
  },
  dockerBuild: async (dir: DirectoryValue, args, session): Promise<ContainerState> => {
    if (args.secrets.length > 0 || args.ssh) {
      throw new UserError(
        "dockerBuild: the embedded engine takes no secrets or ssh yet; the official engine does",
      );
    }
    const { dockerfile, target, buildArgs, platform } = args;
    const image = await buildImage(session, dir.tree, {
      dockerfile,
      target,
      buildArgs,
      platform: platform ?? "",
    });
    return stateOfImage(session, image);
  },
};

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
