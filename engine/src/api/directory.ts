import { posix } from "node:path";
import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue, SecretValue, SocketValue } from "../core/values.ts";
import { buildImage } from "../docker/build.ts";
import { stateOfImage } from "../docker/images.ts";
import { applyPatch } from "../git/patch.ts";
import type { Args, Evaluator, Resolver, SessionContext } from "../session/context.ts";
import { checkFolder, exportTree } from "../store/export.ts";
import { hostPath } from "../store/host-path.ts";
import { matchingPaths, withoutPath } from "../store/patterns.ts";
import { newDirectory, newFile, newLink, type Tree } from "../store/tree.ts";
import { type ChangesetValue, withChanges } from "./changeset.ts";
import { differences } from "./difference.ts";
import { exporting } from "./exporting.ts";
import { filtered } from "./filter.ts";
import { directoryAt, fileAt, findIn, requireFound, wholeOf } from "./find.ts";
import { asGit } from "./git.ts";
import { checkName, leavesDirectory } from "./names.ts";
import { changeOf, treeChangeOf } from "./owner.ts";
import { requirePlatform } from "./platform.ts";
import { searchFiles, searchRoots } from "./search.ts";
import { isOfType, meansLink, statOf } from "./stat.ts";
import { failUnlessEmpty } from "./with-error.ts";

/** An evaluator that changes only the tree. */
function change(apply: (tree: Tree, args: Args) => Tree): Evaluator {
  return (dir: DirectoryValue, args) => ({ ...dir, tree: apply(dir.tree, args) });
}

/** A copy of a directory: part of nothing else, so that no link leads out of it. */
function standalone({ name }: DirectoryValue, tree: Tree): DirectoryValue {
  return { tree, ...(name !== undefined && { name }) };
}

async function subdirectory(dir: DirectoryValue, path: string): Promise<DirectoryValue> {
  const found = requireFound(await findIn(dir, path), path);
  const within = { ...wholeOf(dir), path: found.path };
  return { ...directoryAt(found, path), name: posix.basename(posix.resolve("/", path)), within };
}

/** A file at a path of a tree; in a folder it keeps its name. */
function withFile(tree: Tree, path: string, { name, entry }: FileValue): Tree {
  const isFolder = /(^|\/)\.?$/.test(path) || tree.isDirectory(tree.realPath(path));
  return tree.with(isFolder ? posix.join(path, name) : path, entry);
}

async function patched(session: SessionContext, dir: DirectoryValue, patch: string): Promise<DirectoryValue> {
  return { ...dir, tree: await applyPatch(session, dir.tree, patch) };
}

/** What a directory's terminal runs in unless a container is given. */
const TERMINAL_IMAGE = "alpine:3.22";

export const directory: Record<string, Evaluator> = {
  asGit,
  entries: async (dir: DirectoryValue, { path }) =>
    path ? (await subdirectory(dir, path)).tree.list() : dir.tree.list(),
  findUp: (dir: DirectoryValue, { name, start }) => findUp(dir, name, posix.normalize(start || ".")),
  search: (dir: DirectoryValue, args, { store }) =>
    searchFiles(store, dir.tree, args, searchRoots(dir.tree, args.paths)),
  glob: (dir: DirectoryValue, { pattern }) => {
    const paths = matchingPaths(dir.tree, pattern);
    return paths.map((path) => (dir.tree.isDirectory(path) ? `${path}/` : path));
  },
  exists: async (dir: DirectoryValue, args) =>
    isOfType(await findIn(dir, args.path, !meansLink(args)), args.expectedType),
  stat: async (dir: DirectoryValue, { path, doNotFollowSymlinks }) => {
    const found = path === "" ? undefined : await findIn(dir, path, !doNotFollowSymlinks);
    return statOf(requireFound(found, path));
  },
  chown: async (dir: DirectoryValue, { path, owner }, session) => {
    const apply = await changeOf(session, { owner }, wholeOf(dir));
    const at = dir.tree.realPath(path);
    const isMeant = (name: string): boolean => at === "" || name === at || name.startsWith(`${at}/`);
    return { ...dir, tree: dir.tree.map((entry, name) => (isMeant(name) ? apply(entry) : entry)) };
  },
  withError: (dir: DirectoryValue, { err }) => failUnlessEmpty(dir, err),
  name: (dir: DirectoryValue) => `${dir.name ?? ""}/`,
  digest: (dir: DirectoryValue) => `sha256:${dir.tree.digest}`,
  file: async (dir: DirectoryValue, { path }): Promise<FileValue> => ({
    ...fileAt(requireFound(await findIn(dir, path), path), path),
    name: posix.basename(path),
    within: wholeOf(dir),
  }),
  directory: (dir: DirectoryValue, { path }) => subdirectory(dir, path),
  withNewFile: async (dir: DirectoryValue, { path, contents, permissions }, session) => {
    checkName(path);
    const { digest, size } = await session.store.putBlob(contents);
    return {
      ...dir,
      tree: dir.tree.with(dir.tree.realPath(path), newFile(digest, size, permissions || undefined)),
    };
  },
  withNewDirectory: change((tree, { path, permissions }) => {
    if (leavesDirectory(path)) throw new UserError(`cannot create directory outside parent: ${path}`);
    const real = tree.realPath(path);
    // With the API's documented default, 0644, nobody could enter the folder.
    const made = newDirectory(permissions === 0o644 ? 0o755 : permissions);
    return tree.isDirectory(real) ? tree : tree.with(real, made);
  }),
  withFile: async (dir: DirectoryValue, args, session) => {
    const file = await session.evaluate<FileValue>(args.source);
    const apply = await changeOf(session, args, wholeOf(dir));
    return { ...dir, tree: withFile(dir.tree, args.path, { ...file, entry: apply(file.entry) }) };
  },
  withFiles: async (dir: DirectoryValue, args, session) => {
    const files = await Promise.all(args.sources.map((source: never) => session.evaluate<FileValue>(source)));
    const apply = await changeOf(session, args, wholeOf(dir));
    const tree = files.reduce<Tree>(
      (t, file) => withFile(t, posix.join(args.path, file.name), { ...file, entry: apply(file.entry) }),
      dir.tree,
    );
    return { ...dir, tree };
  },
  withDirectory: async (dir: DirectoryValue, args, session) => {
    const source = await session.evaluate<DirectoryValue>(args.source);
    const apply = await treeChangeOf(session, args, wholeOf(dir));
    const path = dir.tree.realPath(args.path);
    // Also an empty directory becomes a folder.
    const under = dir.tree.isDirectory(path) ? dir.tree : dir.tree.with(path, newDirectory());
    return { ...dir, tree: under.merge(path, apply(await filtered(session, source, args))) };
  },
  withSymlink: change((tree, { target, linkName }) => {
    const path = tree.realPath(linkName, false);
    if (tree.get(path) || tree.isDirectory(path))
      throw new UserError(`symlink ${target} ${linkName}: file exists`);
    return tree.with(path, newLink(target));
  }),
  withTimestamps: change((tree, { timestamp }) => tree.map((entry) => ({ ...entry, mtime: timestamp }))),
  withoutFile: change((tree, { path }) => withoutPath(tree, path)),
  withoutFiles: change((tree, { paths }) => paths.reduce(withoutPath, tree)),
  withoutDirectory: change((tree, { path }) => withoutPath(tree, path)),
  filter: async (dir: DirectoryValue, args, session) => standalone(dir, await filtered(session, dir, args)),
  diff: async (dir: DirectoryValue, { other }, session) => {
    const { tree } = await session.evaluate<DirectoryValue>(other);
    return standalone(dir, differences(dir.tree, tree));
  },
  changes: async (dir: DirectoryValue, { from }, session): Promise<ChangesetValue> => ({
    before: await session.evaluate<DirectoryValue>(from),
    after: dir,
  }),
  withChanges: async (dir: DirectoryValue, { changes }, session) => ({
    ...dir,
    tree: withChanges(dir.tree, await session.evaluate<ChangesetValue>(changes)),
  }),
  withPatch: async (dir: DirectoryValue, { patch }, session) =>
    patched(session, dir, (await session.store.putBlob(patch)).digest),
  withPatchFile: async (dir: DirectoryValue, { patch }, session) => {
    const { entry } = await session.evaluate<FileValue>(patch);
    return patched(session, dir, entry.blob ?? "");
  },
  export: async (dir: DirectoryValue, { path, wipe }, session) => {
    const target = hostPath(session.workdir, path);
    await exportTree(session.store, dir.tree, target, { wipe, signal: session.work.signal });
    return target;
  },
  terminal: async (dir: DirectoryValue, { container, ...args }, session, { parent }) => {
    const step = (from: Call | undefined, field: string, given: Call["args"] = {}): Call =>
      new Call("Container", from, field, { expand: false, owner: "", ...given });
    const base = container ?? step(step(undefined, "container"), "from", { address: TERMINAL_IMAGE });
    const mounted = step(base, "withMountedDirectory", { path: "/src", source: parent as Call });
    await session.evaluate(step(step(mounted, "withWorkdir", { path: "/src" }), "terminal", args));
    return dir;
  },
  dockerBuild: async (dir: DirectoryValue, args, session): Promise<ContainerState> => {
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
      ...(args.ssh && { ssh: (await session.evaluate<SocketValue>(args.ssh)).path }),
    });
    return stateOfImage(session, image);
  },
};

export const directoryResolvers: Record<string, Resolver> = {
  export: exporting(({ path, wipe }, { workdir }) => checkFolder(hostPath(workdir, path), wipe)),
};

/** The nearest path with a name, from a folder upward. */
async function findUp(dir: DirectoryValue, name: string, start: string): Promise<string | null> {
  if (name === "") throw new UserError("findUp: the name cannot be empty");
  if (leavesDirectory(start)) throw new UserError(`cannot search outside parent: ${start}`);
  for (let at = start; ; at = posix.dirname(at)) {
    directoryAt(requireFound(await findIn(dir, at), at), at);
    const path = posix.join(at, name);
    if (await findIn(dir, path, false)) return path;
    if (at === posix.dirname(at)) return null;
  }
}
