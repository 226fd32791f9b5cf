import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { missingAsMarkdown } from "../../engine/test/client.ts";

it("docs/engine.md lists the client's types and fields that the engine lacks", () => {
  const text = readFileSync(new URL("../../docs/engine.md", import.meta.url), "utf8");
  const [, listed] = /<!-- missing -->\n\n([\s\S]*?)\n\n<!-- \/missing -->/.exec(text) ?? [];
  // Generate the list with: npx tsx -e "import('./engine/test/client.ts').then((c) => console.log(c.missingAsMarkdown()))"
  expect(listed).toBe(missingAsMarkdown());
});
