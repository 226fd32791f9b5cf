import { describe, expect, it } from "vitest";
import { post, temporaryFolder, withSession } from "./support.ts";

describe("a request for a query", () => {
  it("runs the only operation if its name is empty or null, and the named one of several", async () => {
    await withSession({ storePath: temporaryFolder(), withDocker: false }, async ({ engine }) => {
      const one = 'query { directory { withNewFile(path: "f", contents: "") { entries } } }';
      const several = "query A { version } query B { defaultPlatform }";
      const ask = async (query: string, operationName: string | null): Promise<unknown> =>
        (await post(engine, { query, operationName })).json();
      const entries = { data: { directory: { withNewFile: { entries: ["f"] } } } };
      expect(await ask(one, "")).toEqual(entries);
      expect(await ask(one, null)).toEqual(entries);
      expect(await ask(several, "B")).toEqual({ data: { defaultPlatform: expect.any(String) } });
      expect(JSON.stringify(await ask(several, ""))).toContain("operation name");
    });
  });
});
