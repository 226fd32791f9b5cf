import { isNoAnswer } from "../images/index.ts";
import { parseReference } from "../images/reference.ts";
import type { Tree } from "../store/tree.ts";
import type { Run } from "./run.ts";

/** Directives at a Dockerfile's top up to the one that names its frontend: `# syntax=docker/dockerfile:1`. */
const SYNTAX = /^((?:#[ \t]*(?!syntax)\w+[ \t]*=.*\n)*)#[ \t]*syntax[ \t]*=[ \t]*(\S+).*\n?/i;

/** Frontends whose registries did not answer this process: the next build doesn't wait for them again. */
const silent = new Set<string>();

/** The frontend's image that a Dockerfile names, and its text without that line. */
export function frontendOf(text: string): { ref: string; rest: string } | undefined {
  const [found, before = "", ref] = SYNTAX.exec(text) ?? [];
  return ref && found ? { ref, rest: before + text.slice(found.length) } : undefined;
}

/**
 * Builds the Dockerfile at `path`. BuildKit pulls the frontend that it names at each build; if the registry does not answer, it
 * is built with the frontend that is part of Docker.
 */
export async function withFrontend(
  run: Pick<Run, "store" | "progress">,
  tree: Tree,
  path: string,
  build: (tree: Tree) => Promise<string>,
): Promise<string> {
  const entry = tree.get(path);
  const frontend = entry?.blob ? frontendOf(run.store.readBlobText(entry.blob)) : undefined;
  if (!entry || !frontend) return build(tree);
  if (!silent.has(frontend.ref)) {
    try {
      return await build(tree);
    } catch (error) {
      if (!isSilent(frontend.ref, error)) throw error;
      silent.add(frontend.ref);
    }
  }
  run.progress.once(`${path}: no registry answers for ${frontend.ref}, using Docker's own frontend`);
  const { digest, size } = await run.store.putBlob(frontend.rest);
  return build(tree.with(path, { ...entry, blob: digest, size }));
}

function isSilent(ref: string, error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  return message.includes(parseReference(ref).repository) && isNoAnswer(message);
}
