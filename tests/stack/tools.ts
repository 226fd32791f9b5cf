import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { $ } from "zx";
import { images } from "../../ci/src/versions.ts";
import { baseImages } from "../../engine/src/docker/build.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const dockerfile = "ci/image/Dockerfile";
const cache = join(root, "node_modules", ".cache", "stackline");

/** The two compose versions that the files support. */
export const COMPOSE_1 = "1.29.2";
export const COMPOSE_2 = "2.40.3";

export interface Compose {
  version: string;
  /** The command line. */
  command: string[];
  env: NodeJS.ProcessEnv;
}

/** Provides the upstream images that the compose files and the Dockerfile use. */
export async function provideImages(): Promise<void> {
  const { postgres, redis, kafka, nginx } = images;
  const bases = baseImages(readFileSync(join(root, dockerfile), "utf8"));
  const upstream = [postgres, redis, kafka, nginx, ...bases];
  await $({ quiet: true, cwd: root })`scripts/images ${upstream}`;
}

/** Options of `docker build` for the application of a copy of this repository, as docker-compose.yml has them. */
export function buildOptions(folder: string): string[] {
  return ["--target", "runtime", "--file", join(folder, dockerfile), folder];
}

/** Debian's docker-compose 1.29.2. Installs it if it is missing. */
export async function compose1(): Promise<Compose> {
  const version = async () =>
    (await $({ nothrow: true, quiet: true })`docker-compose version --short`).stdout.trim();
  if (!(await version())) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await $({
      quiet: true,
      env,
    })`apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-compose`;
  }
  const found = await version();
  if (found !== COMPOSE_1) throw new Error(`docker-compose is ${found || "missing"}, not ${COMPOSE_1}`);
  return { version: found, command: ["docker-compose"], env: process.env };
}

/** `docker compose` 2.40.3, built once from its Go module. Undefined, with a message, without Go. */
export async function compose2(): Promise<Compose | undefined> {
  const config = join(cache, "docker-config");
  const plugin = join(config, "cli-plugins", "docker-compose");
  if (!existsSync(plugin)) {
    const go = await $({ nothrow: true, quiet: true })`go version`;
    if (go.exitCode !== 0) {
      console.log(`compose ${COMPOSE_2} is skipped: building it requires Go`);
      return undefined;
    }
    await buildPlugin(plugin);
  }
  const env = { ...process.env, DOCKER_CONFIG: config };
  return { version: COMPOSE_2, command: ["docker", "compose"], env };
}

/** Takes about two minutes on 2 cores. `go install` rejects modules with exclude directives, so this uses `go build`. */
async function buildPlugin(plugin: string): Promise<void> {
  const module = `github.com/docker/compose/v2`;
  console.log(`building compose ${COMPOSE_2} from its Go module`);
  mkdirSync(join(plugin, ".."), { recursive: true });
  const quiet = $({ quiet: true });
  const { Dir } = JSON.parse((await quiet`go mod download -json ${`${module}@v${COMPOSE_2}`}`).stdout);
  const flags = `-s -w -X ${module}/internal.Version=v${COMPOSE_2}`;
  await quiet({ cwd: Dir })`go build -buildvcs=false -ldflags ${flags} -o ${`${plugin}.part`} ./cmd`;
  renameSync(`${plugin}.part`, plugin);
}
