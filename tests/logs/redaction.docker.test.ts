import { afterAll, beforeAll, expect, test } from "vitest";
import { Collector } from "./collector.ts";
import { redactions } from "./redaction.ts";

const collector = new Collector();
let shipped: Awaited<ReturnType<Collector["shipped"]>> = [];
beforeAll(async () => {
  await collector.start(redactions.map(([line]) => line));
  shipped = await collector.shipped(redactions.length);
});
afterAll(() => collector.stop());

test.each(redactions.map(([line, left], at) => ({ line, left, at })))(
  "the collector ships $line as $left",
  ({ left, at }) => {
    const { text, fields } = shipped[at] ?? { text: "", fields: {} };
    if (!left.startsWith('{"')) return expect(text).toBe(left);
    // Of a line in JSON the message becomes the text, everything else a field.
    const { message, ...others } = JSON.parse(left);
    expect(text).toBe(message);
    for (const [name, value] of Object.entries(others))
      if (typeof value === "string") expect(fields[name]).toBe(value);
  },
);
