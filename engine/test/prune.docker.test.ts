/** @module-tag slow */

import { describe, expect, it } from "vitest";
import { parseSize, pruneToSize } from "../src/cli/prune-size.ts";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const MEGABYTE = 1_000_000;

/** The number of local images whose last layer is a step of this test file. */
async function imagesOfSteps(): Promise<number> {
  const images = await docker.listImages({ all: true });
  // Other tests remove images meanwhile.
  const histories = await Promise.all(
    images.map(({ Id }) =>
      docker
        .getImage(Id)
        .history()
        .catch(() => []),
    ),
  );
  return histories.filter(([last]) => last?.CreatedBy.includes(`: ${process.pid} `)).length;
}

describe("prune --max-size", () => {
  it.each([
    ["1000", 1000],
    ["5GB", 5e9],
    ["1.5 m", 1.5e6],
    ["2kB", 2000],
  ])("takes %s", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it("removes the oldest steps with their images and files until the rest fits", () =>
    withSession({ storePath }, async ({ client, engine, view }) => {
      const step = (n: number) =>
        client
          .container()
          .from(IMAGE)
          .withExec(["sh", "-c", `: ${process.pid} ${n}; head -c ${3 * MEGABYTE} /dev/urandom >/f`]);
      for (const n of [1, 2, 3]) await step(n).sync();
      expect(await imagesOfSteps()).toBe(3);
      const { freed, left } = await pruneToSize(engine.session, 7 * MEGABYTE);
      expect(freed).toBeGreaterThanOrEqual(3 * MEGABYTE);
      expect(left).toBeLessThanOrEqual(7 * MEGABYTE);
      expect(await imagesOfSteps()).toBe(2);
      await withSession({ storePath }, async (later) => {
        const again = (n: number) =>
          later.client
            .container()
            .from(IMAGE)
            .withExec(["sh", "-c", `: ${process.pid} ${n}; head -c ${3 * MEGABYTE} /dev/urandom >/f`])
            .sync();
        await again(3);
        expect(later.view.named("cached")).toHaveLength(1);
        await again(1);
        expect(later.view.named("cached")).toHaveLength(1);
      });
      expect(view.named("done")).toHaveLength(3);
    }));

  it("removes nothing if everything fits", () =>
    withSession({ storePath }, async ({ engine }) => {
      expect((await pruneToSize(engine.session, 1e12)).freed).toBe(0);
    }));
});
