import { it } from "vitest";

const isRoot = process.getuid?.() === 0;

/** Tests of what only root can do, such as a mount; for anyone else they are skipped, and the output says so. */
export const asRoot = only(isRoot, "root can run them");

/** Tests of what root is not refused. */
export const asUser = only(!isRoot, "an ordinary user can run them: root is refused nothing");

function only(applies: boolean, who: string): typeof it {
  return ((name: string, ...test: [never]) => {
    if (!applies) console.log(`skipped: ${name}: only ${who}`);
    return (applies ? it : it.skip)(name, ...test);
  }) as unknown as typeof it;
}
