/**
 * Where a value comes from: `found` is what a file says, `guessed` what it suggests, `default` what nothing contradicts, and
 * `configured` what stackline.json says.
 */
export type Origin = "found" | "guessed" | "default" | "configured";

/** A value, and the file that says so. */
export interface Fact<T> {
  value: T;
  origin: Origin;
  /** Relative to the project's folder; a default has none. */
  file?: string;
  line?: number;
}

/** A place in a file. */
export interface Place {
  file: string;
  line?: number | undefined;
}

export function found<T>(value: T, place: Place): Fact<T> {
  return { value, origin: "found", ...compact(place) };
}

export function guessed<T>(value: T, place: Place): Fact<T> {
  return { value, origin: "guessed", ...compact(place) };
}

export function byDefault<T>(value: T): Fact<T> {
  return { value, origin: "default" };
}

/** "requirements.txt:3", for messages and tables. */
export function describePlace({ file, line }: { file?: string; line?: number | undefined }): string {
  if (file === undefined) return "";
  return line === undefined ? file : `${file}:${line}`;
}

function compact({ file, line }: Place): { file: string; line?: number } {
  return line === undefined ? { file } : { file, line };
}
