import { createInterface } from "node:readline/promises";
import type { ChangesetValue } from "../api/changeset.ts";
import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { type DiffStatValue, statsBetween } from "../git/diff.ts";
import { select } from "../session/select.ts";
import type { Chain } from "./chain.ts";
import type { Context } from "./command.ts";

/** The changes that a chain returned, those of a list as one changeset; undefined for any other result. */
export function changesOf({ result, type }: Chain): Call | undefined {
  const { name } = type.kind === "LIST_KIND" ? (type.element ?? type) : type;
  if (name !== "Changeset") return undefined;
  if (result instanceof Call) return result;
  if (!Array.isArray(result)) return undefined;
  const empty = new Call("Changeset", undefined, "changeset");
  return new Call("Changeset", empty, "withChangesets", { changes: result, onConflict: "FAIL" });
}

/**
 * Applies changes to the working directory, once the user agrees.
 * @throws UserError if there is no terminal to ask at.
 */
export async function applyChanges(
  { engine, tell }: Context,
  changes: Call,
  unasked: boolean,
): Promise<void> {
  const { session } = engine;
  const { before, after } = await session.evaluate<ChangesetValue>(changes);
  const stats = await statsBetween(session, before.tree, after.tree);
  if (stats.length === 0) return session.progress.note("no changes to apply");
  tell(`${summary(stats)}\n`);
  if (!unasked && !(await isConfirmed())) return;
  await select(engine.caller, changes, "export", { path: "." });
}

async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UserError(
      "the changes are not applied: there is no terminal to ask at; give --auto-apply (-y), or --output with a folder",
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question("Apply changes? [y/N] ")).trim());
  } finally {
    terminal.close();
  }
}

/** A line for each changed file with its added and removed lines, and their sums; a removed folder is one line. */
export function summary(stats: readonly DiffStatValue[]): string {
  const rows = withoutInner(stats).sort((a, b) => (a.path < b.path ? -1 : 1));
  const label = ({ path, oldPath }: DiffStatValue): string => (oldPath ? `${oldPath} => ${path}` : path);
  const width = Math.max(...rows.map((row) => label(row).length));
  const lines = rows.map((row) => `${label(row).padEnd(width)}${counts(row)}`.trimEnd());
  const sums = counts({
    addedLines: sum(rows.map(({ addedLines }) => addedLines)),
    removedLines: sum(rows.map(({ removedLines }) => removedLines)),
  });
  const end = `${rows.length} ${rows.length === 1 ? "file" : "files"} changed${sums && `,${sums} lines`}`;
  return [...lines, "", end].join("\n");
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

function counts({ addedLines, removedLines }: Pick<DiffStatValue, "addedLines" | "removedLines">): string {
  return `${addedLines > 0 ? ` +${addedLines}` : ""}${removedLines > 0 ? ` -${removedLines}` : ""}`;
}

/** The stats with what is in a removed folder as part of that folder. */
function withoutInner(stats: readonly DiffStatValue[]): DiffStatValue[] {
  const removed = stats.filter(({ kind }) => kind === "REMOVED");
  const isInside = (path: string, folder: string): boolean =>
    folder.endsWith("/") && path !== folder && path.startsWith(folder);
  const inner = new Set(removed.filter(({ path }) => removed.some((folder) => isInside(path, folder.path))));
  return stats
    .filter((stat) => !inner.has(stat))
    .map((stat) => {
      const within = [...inner].filter(({ path }) => stat.kind === "REMOVED" && isInside(path, stat.path));
      return {
        ...stat,
        removedLines: stat.removedLines + sum(within.map(({ removedLines }) => removedLines)),
      };
    });
}
