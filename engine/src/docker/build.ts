import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import { provideImage } from "../images/index.ts";
import type { Session } from "../session/session.ts";
import { packTree } from "../store/archive.ts";
import { filterTree } from "../store/patterns.ts";
import { digestOf } from "../store/store.ts";
import type { Tree } from "../store/tree.ts";
import { imageId } from "./images.ts";

export interface BuildOptions {
  dockerfile: string;
  target: string;
  buildArgs: { name: string; value: string }[];
  platform: string;
}

/** Builds a Dockerfile with the BuildKit that is part of Docker; returns the image's ID. */
export async function buildImage(session: Session, context: Tree, options: BuildOptions): Promise<string> {
  const tree = withoutIgnored(session, context, options.dockerfile);
  const text = readText(session, tree, options.dockerfile);
  const bases = baseImages(text, options.buildArgs);
  const title = `build ${options.dockerfile}${options.target ? ` (${options.target})` : ""}`;
  return session.once(`build ${digestOf(tree.digest, options)}`, () =>
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
  errorDetail?: { message?: string };
  stream?: string;
}

async function runBuild(
  session: Session,
  tree: Tree,
  options: BuildOptions,
  log: (text: string) => void,
): Promise<string> {
  const context = tree;
  const stream = await session.docker.buildImage(
    packTree(session.store, context) as NodeJS.ReadableStream,
    {
      version: "2",
      dockerfile: options.dockerfile,
      ...(options.target && { target: options.target }),
      ...(options.platform && { platform: options.platform }),
      buildargs: Object.fromEntries(options.buildArgs.map(({ name, value }) => [name, value])),
    } as Docker.ImageBuildOptions,
  );
  return followBuild(session, stream, log);
}

async function followBuild(
  session: Session,
  stream: NodeJS.ReadableStream,
  log: (text: string) => void,
): Promise<string> {
  const { decodeStatus } = await import("./buildkit.ts");
  let image: string | undefined;
  let tail = "";
  const say = (text: string): void => {
    tail = (tail + text).slice(-16_384);
    log(text);
  };
  await new Promise<void>((resolve, reject) => {
    session.docker.modem.followProgress(
      stream,
      (error) =>
        error ? reject(new UserError(`build failed: ${error.message}\n${tail.trimEnd()}`)) : resolve(),
      (message: BuildMessage) => {
        if (message.id === "moby.buildkit.trace") say(decodeStatus(message.aux as string));
        else if (message.id === "moby.image.id") image = (message.aux as { ID: string }).ID;
        else if (message.error)
          reject(
            new UserError(
              `build failed: ${message.errorDetail?.message ?? message.error}\n${tail.trimEnd()}`,
            ),
          );
      },
    );
  });
  if (!image) throw new UserError("build failed: Docker returned no image; its log may tell why");
  return image;
}
