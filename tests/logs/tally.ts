import type { Stage } from "./stage.ts";
import { NUMBERED } from "./writers.ts";

export interface Tally {
  /** Records in the store, duplicates included. */
  records: number;
  /** Records with a key that occurred before, which queries omit. */
  copies: number;
  /** Numbers that never arrived. */
  lost: number;
  /** Numbers that occur twice even without duplicates. */
  repeated: number;
}

/** Compares the numbered services' records in the store with the lines that they wrote. One number applies to all. */
export async function tally(stage: Stage, ...wrote: number[]): Promise<Tally> {
  const total = { records: 0, copies: 0, lost: 0, repeated: 0 };
  for (const [at, name] of NUMBERED.entries()) {
    const each = wrote[at] ?? wrote[0] ?? 0;
    const lines = await stage.store.readKeys(name);
    const [keys, seen] = [new Set<string>(), new Uint8Array(each + 1)];
    for (const { message, fields } of lines) {
      const [before, key] = [keys.size, fields.log_record_uid ?? ""];
      if (keys.add(key).size === before) continue;
      const number = Number(/ line (\d+) of a run that counts$/.exec(message)?.[1]);
      if (number >= 1 && number <= each) seen[number] = (seen[number] ?? 0) + 1;
    }
    total.records += lines.length;
    total.copies += lines.length - keys.size;
    for (let number = 1; number <= each; number++) {
      if (seen[number] === 0) total.lost++;
      if ((seen[number] ?? 0) > 1) total.repeated++;
    }
  }
  return total;
}

export const say = (what: string, seconds: number, { records, copies, lost, repeated }: Tally): void =>
  console.log(
    `${what}: ${records} records after ${seconds.toFixed(1)} s, ${copies} copies with the same key, ${lost} lost, ${repeated} repeated`,
  );
