import type Docker from "dockerode";
import { ExecError, UserError } from "../core/errors.ts";
import type { SecretValue } from "../core/values.ts";
import { provideImage } from "../images/index.ts";
import type { Session } from "../session/session.ts";
import { packTree } from "../store/archive.ts";
import { filterTree } from "../store/patterns.ts";
import { digestOf } from "../store/store.ts";
import type { Tree } from "../store/tree.ts";
import { openBuildSession } from "./build-session.ts";
import { explainDocker } from "./errors.ts";
import { imageId } from "./images.ts";
import { Scrubber } from "./output.ts";

export interface BuildOptions {
  dockerfile: string;
  target: string;
  buildArgs: { name: string; value: string }[];
  secrets: SecretValue[];
}

/** Builds a Dockerfile with the BuildKit that is part of Docker; returns the image's ID. */
export async function buildImage(session: Session, context: Tree, options: BuildOptions): Promise<string> {
  const tree = withoutIgnored(session, context, options.dockerfile);
  const text = readText(session, tree, options.dockerfile);
  const bases = baseImages(text, options.buildArgs);
  const title = `build ${options.dockerfile}${options.target ? ` (${options.target})` : ""}`;
  return session.work.once(`build ${digestOf(tree.digest, options)}`, () =>
    session.progress.step(title, async (step) => {
      const provided = await Promise.all(bases.map((ref) => provideImage(session.docker, ref, step.note)));
      for (const [i, { standIn }] of provided.entries()) {
        if (standIn) session.progress.once(`${bases[i]} is a stand-in: ${standIn}`);
      }
      const key = digestOf(
        "build",
        tree.digest,
        options,
        provided.map(({ id }) => id),
      );
      const kept = session.store.getResult<{ image: string }>("builds", key);
      if (kept && (await imageId(session.docker, kept.image))) {
        step.cached();
        return kept.image;
      }
      const image = await session.limit(() => runBuild(session, tree, options, step.log));
      await session.store.putResult("builds", key, { image });
      return image;
    }),
  );
}

/** What .dockerignore names is not part of the context; the Dockerfile always is. */
function withoutIgnored(session: Session, context: Tree, dockerfile: string): Tree {
  const own = context.get(`${dockerfile}.dockerignore`) ?? context.get(".dockerignore");
  if (!own?.blob) return context;
  const lines = session.store.readBlobText(own.blob).split("\n");
  const exclude = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const kept = filterTree(context, { exclude });
  const entry = context.get(dockerfile);
  return entry ? kept.with(dockerfile, entry) : kept;
}

function readText(session: Session, tree: Tree, path: string): string {
  const entry = tree.get(path);
  if (!entry?.blob) throw new UserError(`no ${path} in the directory to build: name one with "dockerfile"`);
  return session.store.readBlobText(entry.blob);
}

/** Images that a Dockerfile starts from, its own stages and scratch aside; build arguments are filled in. */
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
  session: Session,
  tree: Tree,
  options: BuildOptions,
  log: (text: string) => void,
): Promise<string> {
  const secrets = new Map(
    await Promise.all(
      options.secrets.map(
        async (secret): Promise<[string, string]> => [secret.name, await session.secrets.plaintext(secret)],
      ),
    ),
  );
  const { id, close } = await openBuildSession(session.docker, secrets);
  try {
    const stream = await session.docker.buildImage(
      packTree(session.store, tree) as NodeJS.ReadableStream,
      {
        // A number: for the text "2" the client opens a session of its own.
        version: 2,
        session: id,
        dockerfile: options.dockerfile,
        ...(options.target && { target: options.target }),
        buildargs: Object.fromEntries(options.buildArgs.map(({ name, value }) => [name, value])),
        abortSignal: session.work.signal,
      } as unknown as Docker.ImageBuildOptions,
    );
    return await followBuild(session, stream, log, [...secrets.values()]);
  } finally {
    close();
  }
}

async function followBuild(
  session: Session,
  stream: NodeJS.ReadableStream,
  log: (text: string) => void,
  secrets: string[],
): Promise<string> {
  // Loaded when needed: most runs build nothing.
  const { BuildLog } = await import("./buildkit.ts");
  const scrubber = new Scrubber(secrets);
  const status = new BuildLog(log, (bytes) =>
    Buffer.concat([scrubber.push(bytes), scrubber.end()]).toString(),
  );
  let image: string | undefined;
  let failure: string | undefined;
  await new Promise<void>((resolve, reject) => {
    session.docker.modem.followProgress(
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

/** A connection that was lost is no failure of the build. */
function streamError(error: Error, output: string): Error {
  return "code" in error ? explainDocker(error) : buildError(error.message, output);
}

/** A failed RUN is a failed command, as in the official engine; all else is told in Docker's words. */
function buildError(message: string, output: string): Error {
  const [, command, code] =
    /(?:executor failed running \[|process ")(.*?)(?:\]|" did not complete successfully): exit code: (\d+)/s.exec(
      message,
    ) ?? [];
  const text = `build failed: ${message}${output && `\n${output}`}`;
  return command && code ? new ExecError([command], Number(code), "", output, text) : new UserError(text);
}
