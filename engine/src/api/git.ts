import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { DirectoryValue, SecretValue, SocketValue } from "../core/values.ts";
import { checkOut, commonAncestor } from "../git/checkout.ts";
import { cleaned } from "../git/clean.ts";
import { asksForLogin, findCredentials } from "../git/credentials.ts";
import { findRef, isCommit, latestVersion, namesBelow, type Ref, type Refs } from "../git/refs.ts";
import { listRefs, type RemoteAccess, repositoryIn, type Source, shownSource } from "../git/repository.ts";
import { type GitUrl, requireGitUrl } from "../git/url.ts";
import type { Args, Caller, Evaluator, Resolver, Selection, SessionContext } from "../session/context.ts";
import { select } from "../session/select.ts";
import { digestOf } from "../store/store.ts";
import type { ChangesetValue } from "./changeset.ts";
import { withServiceHost } from "./http.ts";

/** What a GitRepository call evaluates to. */
export interface GitRepositoryValue {
  source: Source;
  refs: Refs;
  /** The directory that it is in, if it is a local one. */
  directory?: DirectoryValue;
  discardGitDir: boolean;
}

export interface GitRefValue {
  repository: GitRepositoryValue;
  ref: Ref;
}

async function load(session: SessionContext, source: Source, rest: object): Promise<GitRepositoryValue> {
  const refs = await session.progress.step(`git ls-remote ${shownSource(source)}`, () =>
    listRefs(session, source),
  );
  return { source, refs, discardGitDir: false, ...rest };
}

/** How a call of `git` reaches its repository. */
async function accessOf(session: SessionContext, url: GitUrl, args: Args): Promise<RemoteAccess> {
  if (url.scheme === "ssh") {
    if (!args.sshAuthSocket)
      throw new UserError(
        `git ${url.remote}: SSH URLs are not supported without an SSH socket: give sshAuthSocket`,
      );
    const { path } = await session.evaluate<SocketValue>(args.sshAuthSocket);
    return { ssh: { socket: path, knownHosts: args.sshKnownHosts ?? "" } };
  }
  const secret = args.httpAuthToken ?? args.httpAuthHeader;
  if (!secret) return {};
  const plaintext = await session.secrets.plaintext(await session.evaluate<SecretValue>(secret));
  if (!args.httpAuthToken) return { authorization: plaintext.toString() };
  const user = args.httpAuthUsername || defaultUser(url);
  return { authorization: `Basic ${Buffer.from(`${user}:${plaintext}`).toString("base64")}` };
}

/** Hosts ignore the name that comes with a token, except for this one. */
function defaultUser({ remote }: GitUrl): string {
  return new URL(remote).host === "bitbucket.org" ? "x-token-auth" : "x-access-token";
}

export const gitQueries: Record<string, Evaluator> = {
  git: (_, args, session): Promise<GitRepositoryValue> => {
    const url = requireGitUrl(args.url);
    const source: Source = {
      url,
      reach: (use) =>
        withServiceHost(session, args, async (known) =>
          use({ ...(await accessOf(session, url, args)), ...(known && { known }) }),
        ),
    };
    return load(session, source, { discardGitDir: args.keepGitDir === false });
  },
};

/** The user's own client has the user's SSH agent and git's credential helpers, as in the official engine. */
export const gitResolvers: Record<string, Resolver> = {
  git: async ({ type, field, args }, caller) => {
    const url = requireGitUrl(args.url as string);
    const isUsers = caller.functionCallId === undefined;
    const further = isUsers
      ? await (url.scheme === "ssh" ? agent(args, caller) : login(url, args, caller))
      : {};
    return new Call(type, undefined, field, { ...args, ...further });
  },
};

async function agent(args: Selection["args"], caller: Caller): Promise<Selection["args"]> {
  const path = process.env.SSH_AUTH_SOCK;
  if (args.sshAuthSocket || !path) return {};
  const host = (await select(caller, undefined, "host", {})) as Call;
  return { sshAuthSocket: (await select(caller, host, "unixSocket", { path })) as Call };
}

/** The user's login at a server that asks for one. */
async function login(url: GitUrl, args: Selection["args"], caller: Caller): Promise<Selection["args"]> {
  const isGiven = args.httpAuthToken || args.httpAuthHeader || args.experimentalServiceHost;
  if (isGiven || url.scheme === "git" || new URL(url.remote).username !== "") return {};
  const { signal } = caller.session.work;
  const found = await caller.session.work.keep(`login ${url.remote}`, async () =>
    (await asksForLogin(url.remote, signal)) ? findCredentials(url.remote, signal) : undefined,
  );
  if (!found) return {};
  const { username, password } = found;
  const secret = { name: `git login ${digestOf(username, password)}`, plaintext: password };
  const httpAuthToken = (await select(caller, undefined, "setSecret", secret)) as Call;
  return { httpAuthToken, httpAuthUsername: username };
}

/** Of Directory. */
export const asGit: Evaluator = (dir: DirectoryValue, _args, session): Promise<GitRepositoryValue> =>
  load(session, { tree: repositoryIn(dir.tree) }, { directory: dir });

/** An evaluator of a field that names a commit. */
function named(target: (repository: GitRepositoryValue, args: Args) => string): Evaluator {
  return (repository: GitRepositoryValue, args): GitRefValue => ({
    repository,
    ref: findRef(repository.refs, target(repository, args)),
  });
}

const below = (folder: string, name: string): string => (name.startsWith(folder) ? name : folder + name);

function requireCommit(text: string): string {
  if (!isCommit(text)) throw new UserError(`invalid commit SHA: ${JSON.stringify(text)}`);
  return text;
}

export const gitRepository: Record<string, Evaluator> = {
  head: named(() => "HEAD"),
  ref: named((_, { name }) => name),
  branch: named((_, { name }) => below("refs/heads/", name)),
  tag: named((_, { name }) => below("refs/tags/", name)),
  commit: named((_, { id }) => requireCommit(id)),
  latestVersion: named(({ refs }) => `refs/tags/${latestVersion(refs)}`),
  branches: ({ refs }: GitRepositoryValue, { patterns }) => namesBelow(refs, "refs/heads/", patterns),
  tags: ({ refs }: GitRepositoryValue, { patterns }) => namesBelow(refs, "refs/tags/", patterns),
  url: ({ source }: GitRepositoryValue) => ("url" in source ? source.url.remote : null),
  uncommitted: async (repository: GitRepositoryValue, _args, session): Promise<ChangesetValue> => {
    const { directory } = repository;
    if (directory)
      return { before: { tree: await cleaned(session, directory.tree) }, after: { tree: directory.tree } };
    const tree = await treeOf(session, { repository, ref: findRef(repository.refs, "HEAD") }, {});
    return { before: { tree }, after: { tree } };
  },
};

function treeOf(
  session: SessionContext,
  { repository, ref }: GitRefValue,
  args: Args,
): Promise<DirectoryValue["tree"]> {
  const { source, discardGitDir } = repository;
  return session.progress.step(`git checkout ${ref.name || ref.sha} ${shownSource(source)}`, () =>
    checkOut(session, source, ref, {
      discardGitDir: discardGitDir || (args.discardGitDir ?? false),
      depth: args.depth ?? 1,
      includeTags: args.includeTags ?? false,
    }),
  );
}

export const gitRef: Record<string, Evaluator> = {
  commit: ({ ref }: GitRefValue) => ref.sha,
  ref: ({ ref }: GitRefValue) => ref.name || ref.sha,
  tree: async (value: GitRefValue, args, session): Promise<DirectoryValue> => ({
    tree: await treeOf(session, value, args),
  }),
  commonAncestor: async ({ repository, ref }: GitRefValue, args, session): Promise<GitRefValue> => {
    const other = await session.evaluate<GitRefValue>(args.other);
    const sha = await commonAncestor(session, [
      { source: repository.source, sha: ref.sha },
      { source: other.repository.source, sha: other.ref.sha },
    ]);
    return { repository, ref: { name: "", sha } };
  },
};
