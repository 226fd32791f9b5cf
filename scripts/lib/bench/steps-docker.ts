// Measures the work of steps-session.ts with the Docker CLI: tsx steps-docker.ts FILE
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import { images } from "../../../ci/src/versions.ts";
import { seconds } from "./figures.ts";
import { freshFiles, STEPS, type StepTimes } from "./steps-session.ts";

const docker = $({ quiet: true });

/** One step: runs a container, commits it and removes it. */
async function step(image: string, n: number): Promise<string> {
  const name = `bench-${randomBytes(4).toString("hex")}`;
  await docker`docker run --init --name ${name} ${image} sh -c ${`: ${n}`}`;
  const { stdout } = await docker`docker commit --pause=false ${name}`;
  await docker`docker rm ${name}`;
  return stdout.trim();
}

async function chain(): Promise<void> {
  let image: string = images.node;
  for (let n = 0; n < STEPS; n++) image = await step(image, n);
  await docker`docker rmi ${image}`;
}

async function files(folder: string): Promise<void> {
  const name = `bench-${randomBytes(4).toString("hex")}`;
  await docker`docker create --init --name ${name} ${images.node} sh -c ${"touch /files/new"}`;
  await docker`docker cp ${folder} ${`${name}:/files`}`;
  await docker`docker start --attach ${name}`;
  await docker`docker cp ${`${name}:/files`} ${join(folder, "out")}`;
  await docker`docker rm ${name}`;
}

const fresh = await seconds(chain);
const folder = freshFiles();
const times: Partial<StepTimes> = {
  fresh: (fresh * 1000) / STEPS,
  files: (await seconds(() => files(folder))) * 1000,
};
rmSync(folder, { recursive: true });
writeFileSync(process.argv[2] as string, JSON.stringify(times));
