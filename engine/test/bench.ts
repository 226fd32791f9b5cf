// Prints the duration of the engine's most common operations: npx tsx engine/test/bench.ts
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Container } from "@dagger.io/dagger";
import { IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const STEPS = 50;

async function measure(name: string, work: () => Promise<unknown>, unit = 1): Promise<number> {
  const started = performance.now();
  await work();
  const milliseconds = (performance.now() - started) / unit;
  console.log(`${name.padEnd(52)}${milliseconds.toFixed(1).padStart(9)} ms`);
  return milliseconds;
}

/** A chain of trivial steps that is not cached yet. */
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

/** The memory of a process and its children in MB; shared pages count once. */
function memoryOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  const sizes = [String(pid), ...children].map((id) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1] ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1000;
}

/** Measures calls of a module from the command line, and the peak memory of engine and module. */
async function commandLine(): Promise<void> {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const env = { ...process.env, STACKLINE_CACHE: storePath };
  let peak = 0;
  const call = async (...words: string[]): Promise<void> => {
    const options = [
      "--max-semi-space-size=2",
      here("../start.mjs"),
      "engine",
      "-m",
      here("./fixtures/sample"),
    ];
    const child = spawn(process.execPath, [...options, "call", ...words], { env, stdio: "ignore" });
    const timer = setInterval(() => {
      try {
        peak = Math.max(peak, memoryOf(child.pid as number));
      } catch {
        // The process has just ended.
      }
    }, 50);
    await once(child, "close");
    clearInterval(timer);
  };
  await call("kept", "--mark=first");
  await measure("call --help, warm", () => call("--help"));
  await measure("identical call", () => call("kept", "--mark=first"));
  peak = 0;
  await measure("call with new arguments", () => call("kept", "--mark=second"));
  console.log(`${"peak memory of engine and module".padEnd(52)}${peak.toFixed(0).padStart(9)} MB`);
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
await commandLine();
rmSync(folder, { recursive: true });
process.exit();
