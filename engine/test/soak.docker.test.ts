import { expect, it } from "vitest";
import { soak } from "./soak.ts";
import { IMAGE, temporaryFolder, withSession } from "./support.ts";

/** `npx tsx engine/test/soak-main.ts 200` is the long form. */
const RUNS = 8;

it("a killed engine or dockerd leaves nothing, and the next run is right", { timeout: 600_000 }, async () => {
  await withSession({ storePath: temporaryFolder() }, ({ client }) => client.container().from(IMAGE).sync());
  const { problems } = await soak(RUNS, () => undefined);
  expect(problems).toEqual([]);
});
