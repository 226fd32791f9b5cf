import { posix } from "node:path";

/** The paths that docs/architecture.md names, relative to the repository, without a final slash. */
export function namedPaths(page: string): Set<string> {
  const paths = new Set<string>();
  let folder = "";
  for (const line of withoutBlocks(page).split("\n")) {
    const add = (path: string, base = ""): unknown => paths.add(posix.join(base, path).replace(/\/$/, ""));
    const [, firstCell] = /^\| (.*?) \|/.exec(line) ?? [];
    if (line.startsWith("#")) {
      [folder = ""] = codeOf(line);
      if (folder) add(folder);
    } else if (firstCell !== undefined) {
      for (const path of codeOf(firstCell)) add(path, folder);
    } else {
      for (const path of codeOf(line).filter((text) => /^[\w.-]+(\/[\w.-]+)+\/?$/.test(text))) add(path);
    }
  }
  return paths;
}

const withoutBlocks = (page: string): string => page.replace(/^```[\s\S]*?^```$/gm, "");

const codeOf = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
