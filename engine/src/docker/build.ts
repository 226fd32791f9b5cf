import type Docker from "dockerode";
import { DockerConnectionError } from "../client/connection-error.ts";
import { buildProxies, proxySecrets } from "../client/proxies.ts";
import { ExecError, UserError } from "../core/errors.ts";
import type { SecretValue } from "../core/values.ts";
import { provideImage } from "../images/index.ts";
import { packTree } from "../store/archive.ts";
import { filterTree } from "../store/patterns.ts";
import type { Store } from "../store/store.ts";
import { digestOf } from "../store/store.ts";
import type { Tree } from "../store/tree.ts";
import { withDownloads } from "./add.ts";
import { openBuildSession } from "./build-session.ts";
import { withFrontend } from "./frontend.ts";
import { imageId } from "./image-id.ts";
import type { Run } from "./run.ts";

export interface BuildOptions {
  dockerfile: string;
  target: string;
  buildArgs: { name: string; value: string }[];
  secrets: SecretValue[];
  /** Path of an SSH agent's socket, for `RUN --mount=type=ssh`. */
  ssh?: string;
}

type Building = Pick<Run, "docker" | "store" | "work" | "progress" | "limit" | "secrets" | "services">;

/** Builds a Dockerfile with Docker's BuildKit; returns the image's ID. */
export async function buildImage(run: Building, context: Tree, options: BuildOptions): Promise<string> {
  const { dockerfile } = options;
  const sent = withoutIgnored(run.store, context, dockerfile);
  const text = readText(run.store, sent, dockerfile);
  const tree = await withDownloads(run, sent, dockerfile, text);
  // Whichever agent it is: the same keys may be at another path.
  const identity = { ...options, ssh: options.ssh !== undefined };
  const bases = baseImages(text, options.buildArgs);
  const title = `build ${dockerfile}${options.target ? ` (${options.target})` : ""}`;
  return run.work.once(`build ${digestOf(tree.digest, identity)}`, () =>
    run.progress.step(title, async (step) => {
      const provided = await Promise.all(bases.map((ref) => provideImage(run.docker, ref, step.note)));
      for (const [i, { standIn }] of provided.entries()) {
        if (standIn) run.progress.once(`${bases[i]} is a stand-in: ${standIn}`);
      }
      const key = digestOf(
        "build",
        tree.digest,
        identity,
        provided.map(({ id }) => id),
      );
      const cached = run.store.getResult<{ image: string }>("builds", key);
      if (cached && (await imageId(run.docker, cached.image))) {
        step.cached();
        return cached.image;
      }
      const image = await run.limit(() =>
        withFrontend(run, tree, dockerfile, (final) => runBuild(run, final, options, step.log)),
      );
      await run.store.putResult("builds", key, { image });
      return image;
    }),
  );
}

/** Removes the paths in .dockerignore from the context, except the Dockerfile. */
function withoutIgnored(store: Store, context: Tree, dockerfile: string): Tree {
  const own = context.get(`${dockerfile}.dockerignore`) ?? context.get(".dockerignore");
  if (!own?.blob) return context;
  const lines = store.readBlobText(own.blob).split("\n");
  const exclude = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const filtered = filterTree(context, { exclude });
  const entry = context.get(dockerfile);
  return entry ? filtered.with(dockerfile, entry) : filtered;
}

function readText(store: Store, tree: Tree, path: string): string {
  const entry = tree.get(path);
  if (!entry?.blob) throw new UserError(`no ${path} in the directory to build: name one with "dockerfile"`);
  return store.readBlobText(entry.blob);
}

/** Base images of a Dockerfile, except its own stages and scratch, with build arguments filled in. */
export function baseImages(
  dockerfile: string,
  buildArgs: readonly { name: string; value: string }[] = [],
): string[] {
  const args = new Map<string, string>();
  const stages = new Set<string>(["scratch"]);
  const refs = new Set<string>();
  const lines = dockerfile.replace(/\\\r?\n/g, " ").split(/\r?\n/);
  const given = new Map(buildArgs.map(({ name, value }) => [name, value]));
  const expand = (text: string): string =>
    text.replace(
      /\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)/g,
      (_, a, fallback, b) => args.get(a ?? b) || (fallback ?? ""),
    );
  const add = (ref: string): void => {
    if (!stages.has(ref.toLowerCase()) && !/^\d+$/.test(ref)) refs.add(ref);
  };
  for (const line of lines) {
    const arg = /^\s*ARG\s+(\w+)(?:=(\S*))?/i.exec(line);
    if (arg?.[1]) args.set(arg[1], given.get(arg[1]) ?? arg[2]?.replace(/^(["'])(.*)\1$/, "$2") ?? "");
    const from = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line);
    if (from?.[1]) add(expand(from[1]));
    if (from?.[2]) stages.add(from[2].toLowerCase());
    const copy = /^\s*COPY\s+.*--from=(\S+)/i.exec(line);
    if (copy?.[1]) add(expand(copy[1]));
    for (const [, mounted] of line.matchAll(/--mount=\S*?\bfrom=([^\s,]+)/gi)) add(expand(mounted as string));
  }
  return [...refs];
}

interface BuildMessage {
  id?: string;
  aux?: unknown;
  error?: string;
}

async function runBuild(
  run: Building,
  tree: Tree,
  options: BuildOptions,
  log: (text: string) => void,
): Promise<string> {
  const secrets = new Map(
    await Promise.all(
      options.secrets.map(
        async (secret): Promise<[string, Buffer]> => [secret.name, await run.secrets.plaintext(secret)],
      ),
    ),
  );
  const { id, close } = await openBuildSession(run.docker, secrets, options.ssh);
  try {
    const stream = await run.docker.buildImage(
      packTree(run.store, tree) as NodeJS.ReadableStream,
      {
        // A number: for the text "2" the client opens a session of its own.
        version: 2,
        session: id,
        dockerfile: options.dockerfile,
        ...(options.target && { target: options.target }),
        buildargs: buildProxies(
          Object.fromEntries(options.buildArgs.map(({ name, value }) => [name, value])),
        ),
        abortSignal: run.work.signal,
      } as unknown as Docker.ImageBuildOptions,
    );
    return await followBuild(run.docker, stream, log, [...secrets.values(), ...proxySecrets()]);
  } finally {
    close();
  }
}

async function followBuild(
  docker: Docker,
  stream: NodeJS.ReadableStream,
  log: (text: string) => void,
  secrets: (Buffer | string)[],
): Promise<string> {
  // Loaded on demand: most runs build nothing.
  const { BuildLog } = await import("./buildkit.ts");
  const status = new BuildLog(log, secrets);
  let image: string | undefined;
  let failure: string | undefined;
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error && !failure ? reject(streamError(error, status.failedOutput)) : resolve()),
      (message: BuildMessage) => {
        if (message.id === "moby.buildkit.trace") status.add(message.aux as string);
        else if (message.id === "moby.image.id") image = (message.aux as { ID: string }).ID;
        else if (message.error) failure = message.error;
      },
    );
  });
  if (failure) throw buildError(failure, status.failedOutput);
  if (!image) throw new UserError("build failed: Docker returned no image; its log may tell why");
  return image;
}

/** A lost connection is not a build failure. */
function streamError(error: Error, output: string): Error {
  return error instanceof DockerConnectionError ? error : buildError(error.message, output);
}

/** A failed RUN becomes an ExecError, as in the official engine; any other failure keeps Docker's message. */
function buildError(message: string, output: string): Error {
  const [, command, code] =
    /(?:executor failed running \[|process ")(.*?)(?:\]|" did not complete successfully): exit code: (\d+)/s.exec(
      message,
    ) ?? [];
  const text = `build failed: ${message}${output && `\n${output}`}`;
  return command && code ? new ExecError([command], Number(code), "", output, text) : new UserError(text);
}
