// Prints how long the engine takes for what it does most: npx tsx engine/test/bench.ts
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "@dagger.io/dagger";
import { IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const STEPS = 10;

async function measure(name: string, work: () => Promise<unknown>, unit = 1): Promise<number> {
  const started = performance.now();
  await work();
  const milliseconds = (performance.now() - started) / unit;
  console.log(`${name.padEnd(52)}${milliseconds.toFixed(1).padStart(9)} ms`);
  return milliseconds;
}

/** A chain of trivial steps that nobody has run before. */
function chain(base: Container, mark: string): Container {
  let result = base;
  for (let n = 0; n < STEPS; n++) result = result.withExec(["sh", "-c", `: ${mark} ${n}`]);
  return result;
}

/** The same with Docker's own command line. */
function byHand(mark: string): void {
  let image = IMAGE;
  for (let n = 0; n < STEPS; n++) {
    const name = `bench-${mark}-${n}`;
    execFileSync("docker", ["run", "--init", "--name", name, image, "sh", "-c", `: ${n}`]);
    const next = execFileSync("docker", ["commit", "-p=false", name]).toString().trim();
    execFileSync("docker", ["rm", name]);
    image = next;
  }
  execFileSync("docker", ["rmi", image]);
}

const mark = randomBytes(4).toString("hex");
const folder = temporaryFolder();
for (const [dir, count, size] of [
  ["large", 20, 1024 * 1024],
  ["small", 10_000, 16],
] as const) {
  mkdirSync(join(folder, dir));
  for (let n = 0; n < count; n++) writeFileSync(join(folder, dir, String(n)), randomBytes(size));
}

await withSession({ storePath }, ({ client }) => client.container().from(IMAGE).sync());
const hand = await measure("docker run + commit by hand, per step", async () => byHand(mark), STEPS);
const own = await measure(
  "new trivial step",
  () => withSession({ storePath }, ({ client }) => chain(client.container().from(IMAGE), mark).sync()),
  STEPS,
);
console.log(`${"ratio".padEnd(52)}${(own / hand).toFixed(2).padStart(9)}`);
await withSession({ storePath }, async ({ client }) => {
  await measure("cached step", () => chain(client.container().from(IMAGE), mark).sync(), STEPS);
  const base = client.container().from(IMAGE).withEnvVariable("MARK", mark);
  for (const dir of ["large", "small"]) {
    const source = client.host().directory(join(folder, dir));
    const what = dir === "large" ? "20 files of 1 MB" : "10,000 files";
    await measure(`${what}: read from this machine`, () => source.sync());
    const mounted = base.withMountedDirectory("/m", source).withExec(["sh", "-c", "touch /m/new"]);
    await measure(`${what}: mounted, a step, read back`, () => mounted.sync());
    await measure(`${what}: exported`, () => mounted.directory("/m").export(join(folder, `${dir}-out`)));
    const copied = base.withDirectory("/m", source).withExec(["sh", "-c", "touch /m/new"]);
    await measure(`${what}: copied in, a step`, () => copied.sync());
    await measure(`${what}: read out of the image`, () => copied.directory("/m").sync());
  }
});
await measure("session opened and closed", () => withSession({ storePath }, async () => undefined));
console.log(
  `${"memory of this process".padEnd(52)}${(process.memoryUsage().rss / 1e6).toFixed(0).padStart(9)} MB`,
);
rmSync(folder, { recursive: true });
process.exit();
