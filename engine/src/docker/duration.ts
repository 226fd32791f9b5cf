import { UserError } from "../core/errors.ts";

const unit: Record<string, number> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** Milliseconds of a Go duration such as "1m30s"; "" is 0. */
export function parseDuration(text: string): number {
  if (text === "" || text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g)];
  if (parts.map(([whole]) => whole).join("") !== text) {
    throw new UserError(`invalid duration ${JSON.stringify(text)}: write it like "1m30s" or "500ms"`);
  }
  return parts.reduce((sum, [, value, name]) => sum + Number(value) * (unit[name as string] as number), 0);
}

/** Milliseconds as Go writes a duration: "0s", "500ms", "1m30s", "1h0m0s". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  if (milliseconds < 1) return `${milliseconds * 1_000}µs`;
  if (milliseconds < 1_000) return `${milliseconds}ms`;
  const [hours, minutes] = [Math.floor(milliseconds / 3_600_000), Math.floor(milliseconds / 60_000) % 60];
  const seconds = `${(milliseconds % 60_000) / 1_000}s`;
  return hours > 0 ? `${hours}h${minutes}m${seconds}` : minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
