import type { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { type GitUrl, gitUrl } from "../git/url.ts";
import type { Caller, Evaluator, Resolver } from "../session/context.ts";
import { select } from "../session/select.ts";

export interface AddressValue {
  value: string;
}

/** Fields with their arguments, selected one on the other from the root of the API. */
type Chain = [field: string, args: Record<string, unknown>][];

async function follow(caller: Caller, chain: Chain): Promise<Call> {
  let at: Call | undefined;
  for (const [field, args] of chain) at = (await select(caller, at, field, args)) as Call;
  return at as Call;
}

/** Resolves a field of Address to the fields of the API that its text means. */
function means(chainOf: (text: string, args: Record<string, unknown>) => Chain): Resolver {
  return async ({ parent, args }, caller) => {
    const { value } = await caller.session.evaluate<AddressValue>(parent as Call);
    return follow(caller, chainOf(value, args));
  };
}

const revision = (ref = ""): Chain[number] => (ref === "" ? ["head", {}] : ["ref", { name: ref }]);

const refChain = ({ remote, ref }: GitUrl): Chain => [["git", { url: remote }], revision(ref)];

const treeChain = (url: GitUrl): Chain => [...refChain(url), ["tree", {}]];

const localRepository = (text: string): Chain => [
  ["host", {}],
  ["directory", { path: localPath(text) }],
  ["asGit", {}],
];

const localPath = (text: string): string => text.replace(/^file:\/\//, "");

/** @throws UserError for an address that is not one of a server on this machine's network. */
function serviceChain(text: string): Chain {
  const [, protocol = "", host, port] = /^(tcp|udp):\/\/(.+):(\d+)\/?$/.exec(text) ?? [];
  if (!host)
    throw new UserError(`unsupported service address: ${JSON.stringify(text)}: give tcp://HOST:PORT`);
  const forward = { frontend: Number(port), backend: Number(port), protocol: protocol.toUpperCase() };
  return [
    ["host", {}],
    ["service", { host, ports: [forward] }],
  ];
}

/** A bare name is that of a variable. `cacheKey` in the address is the secret's. */
function secretChain(text: string): Chain {
  const full = text.includes(":") ? text : `env://${text}`;
  const [base = "", ...query] = full.replace(/^([^:]*):(?!\/\/)/, "$1://").split("?");
  const asked = new URLSearchParams(query.join("?"));
  const cacheKey = asked.get("cacheKey");
  if (!cacheKey) return [["secret", { uri: [base, ...query].join("?") }]];
  asked.delete("cacheKey");
  return [["secret", { uri: asked.size > 0 ? `${base}?${asked}` : base, cacheKey }]];
}

export const addressQueries: Record<string, Evaluator> = {
  address: (_, { value }): AddressValue => {
    if (value === "") throw new UserError("resource cannot have empty address");
    return { value };
  },
};

export const address: Record<string, Evaluator> = {
  value: ({ value }: AddressValue) => value,
};

export const addressResolvers: Record<string, Resolver> = {
  container: means((text) => [
    ["container", {}],
    ["from", { address: text }],
  ]),
  directory: means((text, args) => {
    const url = gitUrl(text);
    if (!url)
      return [
        ["host", {}],
        ["directory", { ...args, path: localPath(text) }],
      ];
    return [...treeChain(url), ...(url.path ? [["directory", { path: url.path }] as Chain[number]] : [])];
  }),
  file: means((text, { noCache }) => {
    const url = gitUrl(text);
    if (!url)
      return [
        ["host", {}],
        ["file", { noCache, path: localPath(text) }],
      ];
    if (!url.path) throw new UserError("no file path specified within git repository: add #REF:PATH");
    return [...treeChain(url), ["file", { path: url.path }]];
  }),
  gitRepository: means((text) => {
    const url = gitUrl(text);
    if (url?.ref) throw new UserError("git repository address cannot contain ref");
    if (url?.path) throw new UserError("git repository address cannot contain subdir");
    return url ? [["git", { url: url.remote }]] : localRepository(text);
  }),
  gitRef: means((text) => {
    const url = gitUrl(text);
    if (url?.path) throw new UserError("git ref address cannot contain subdir");
    if (url) return refChain(url);
    const [path = "", ref] = text.split("#");
    return [...localRepository(path), revision(ref)];
  }),
  secret: means(secretChain),
  service: means(serviceChain),
  socket: means((text) => [
    ["host", {}],
    ["unixSocket", { path: text.replace(/^unix:\/\//, "") }],
  ]),
};
