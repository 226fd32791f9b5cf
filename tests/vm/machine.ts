import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { $, type ProcessOutput } from "zx";
import { parseEnvironment } from "../../ci/src/site/environment.ts";
import { releaseSettings } from "../../ci/src/site/release.ts";
import { parseSecrets } from "../../ci/src/site/secrets.ts";
import { generateKeyPair } from "../../ci/src/site/ssh-keys.ts";
import { images } from "../../ci/src/versions.ts";
import { allPrivileges } from "../../engine/src/docker/privileges.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const directory = "/srv/stackline";
const repository = "localhost:5000/app";
const docker = new Docker();

/** Confidential values that occur nowhere else. */
export const canaries: Record<string, string> = {
  POSTGRES_DB: "canary_db_5e81",
  POSTGRES_USER: "canary_user_90af",
  POSTGRES_PASSWORD: "canary-pw-\"9c'2e\\04",
  REDIS_PASSWORD: "canary-redis-\"d8'1a\\6b",
  SECRET_KEY: "canary-key-7c1d09",
  API_TOKEN: "canary-token-e25b70",
};

/** What a test file is told of the machine that the group shares. */
export interface Shared {
  id: string;
  address: string;
  key: string;
  hostKey: string;
  /** References by digest. */
  releases: Record<string, string>;
}

/** A line of a Dockerfile that appends a file of this repository to one of the image. */
const append = (path: string, to: string): string =>
  `RUN echo ${readFileSync(join(root, path)).toString("base64")} | base64 -d >>${to}`;

/** The pages of a rehearsal, which ask the database and take 2 s, and longer requests and tasks. */
const withPages = [
  "USER 0:0",
  append("scripts/rehearse/pages.py", "/app/devops_001/wsgi.py"),
  append("tests/vm/pages.py", "/app/devops_001/wsgi.py"),
  append("tests/vm/tasks.py", "/app/checks/tasks.py"),
  // gunicorn would end a response of more than 30 s.
  "ENV GUNICORN_CMD_ARGS=--timeout=900",
  "USER 10001:10001",
];

/** Releases, some of which go wrong, each in its own way: lines for a Dockerfile after `withPages`. */
const variants: Record<string, string[]> = {
  good: [],
  better: ["ENV RELEASE=better"],
  advanced: [
    "USER 0:0",
    `RUN echo ${Buffer.from(furtherMigration()).toString("base64")} | base64 -d >/app/orders/migrations/0900_note.py`,
    "USER 10001:10001",
  ],
  unhealthy: [
    'CMD ["sh", "-c", "echo the settings are nonsense: $(cat /run/secrets/SECRET_KEY) >&2; exit 3"]',
  ],
  unmigratable: [
    "USER 0:0",
    "RUN printf 'raise RuntimeError(\"this migration is broken\")\\n' >/app/orders/migrations/9999_broken.py",
    "USER 10001:10001",
  ],
  red: [
    "USER 0:0",
    "RUN sed -i 's/green/grey/g' $(grep -rl green /app/checks --include=*.html --include=*.py)",
    "USER 10001:10001",
  ],
};

function furtherMigration(): string {
  return [
    "from django.db import migrations",
    "class Migration(migrations.Migration):",
    '    dependencies = [("orders", "0001_initial")]',
    `    operations = [migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN note text NOT NULL DEFAULT ''")]`,
    "",
  ].join("\n");
}

export interface Delivery {
  image: string;
  settings?: Record<string, string>;
  /** Default: 3. */
  keepReleases?: number;
  /** Seconds; default: those of an environment. */
  requestGrace?: number;
  taskGrace?: number;
  secrets?: Record<string, string> | undefined;
  /** Further fields of environments/NAME.json. */
  environment?: object;
  /** Changes the release's folder before it is sent. */
  change?: (folder: string) => void;
}

/** A machine with an SSH server and a Docker of its own, in a container. */
export class Vm {
  constructor(readonly shared: Shared) {}

  /** Starts it, and gives it the images and a registry. */
  static async start(): Promise<Vm> {
    const folder = mkdtempSync(join(tmpdir(), "stackline-vm-"));
    try {
      const application = join(folder, "app.tar");
      await Promise.all([buildVmImage(), exportApplication(application)]);
      const vm = await Vm.boot();
      await vm.provide(application);
      return vm;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  private static async boot(): Promise<Vm> {
    await removeForgotten();
    const [own, user] = [generateKeyPair(), generateKeyPair()];
    const container = await docker.createContainer({
      Image: "stackline-test-vm",
      name: `stackline-test-vm-${process.pid}`,
      Env: [`HOST_KEY=${own.privateKey}`, `AUTHORIZED_KEY=${user.publicKey}`],
      HostConfig: {
        ...allPrivileges(),
        Tmpfs: { "/run": "", "/tmp": "exec" },
        Mounts: [{ Type: "volume", Target: "/var/lib/docker", Source: "" }],
      },
    });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const vm = new Vm({
      id: container.id,
      address: Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "",
      key: user.privateKey,
      hostKey: own.publicKey,
      releases: {},
    });
    await vm.until(async () => (await vm.sh("docker version")).exitCode === 0, "its Docker");
    return vm;
  }

  async stop(): Promise<void> {
    await docker.getContainer(this.shared.id).remove({ force: true, v: true });
  }

  /** Images, a registry, and the releases in it. */
  private async provide(application: string): Promise<void> {
    const tagBase = "docker tag $(docker load | sed -n 's/^Loaded image\\( ID\\)*: //p') base";
    await Promise.all([
      this.load([images.postgres, images.redis, images.kafka, images.nginx, images.registry]),
      $({ quiet: true })`docker exec --interactive ${this.shared.id} sh -c ${tagBase} <${application}`,
    ]);
    await this.must(
      `docker run -d --name registry --restart always --publish 127.0.0.1:5000:5000 ${images.registry}`,
    );
    // The first one builds the layers that all have in common.
    const [first = "", ...others] = Object.keys(variants);
    await this.publish(first);
    await Promise.all(others.map((name) => this.publish(name)));
  }

  /** Builds another application and pushes it to the registry. Returns its reference by digest. */
  async publishApplication(app: string, name: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "stackline-vm-"));
    try {
      const archive = join(folder, "app.tar");
      await exportApplication(archive, app);
      const load = `docker tag $(docker load | sed -n 's/^Loaded image\\( ID\\)*: //p') base-${name}`;
      await $({ quiet: true })`docker exec --interactive ${this.shared.id} sh -c ${load} <${archive}`;
    } finally {
      rmSync(folder, { recursive: true });
    }
    const tag = `${repository}:${name}`;
    await this.must(`docker tag base-${name} ${tag} && docker push --quiet ${tag}`);
    return (await this.must(`docker inspect --format '{{index .RepoDigests 0}}' ${tag}`)).trim();
  }

  /** Removes the site with all its data, so that the next deploy is a first one. */
  async removeSite(): Promise<void> {
    const label = "label=com.docker.compose.project=stackline";
    await this.must(
      `docker ps -aq --filter ${label} | xargs -r docker rm --force --volumes >/dev/null
       docker volume ls -q --filter ${label} | xargs -r docker volume rm >/dev/null
       find ${directory} -mindepth 1 -delete`,
      "root",
    );
  }

  /** Builds a variant of the application on the machine and pushes it to the registry there. */
  private async publish(name: string): Promise<void> {
    const file = ["FROM base", ...withPages, ...(variants[name] ?? []), `LABEL release=${name}`].join("\n");
    const tag = `${repository}:${name}`;
    await $({
      quiet: true,
      input: file,
    })`docker exec --interactive ${this.shared.id} docker build --quiet --tag ${tag} -`;
    await this.must(`docker push --quiet ${tag}`);
    const inspect = `docker inspect --format '{{index .RepoDigests 0}}' ${tag}`;
    this.shared.releases[name] = (await this.must(inspect)).trim();
  }

  /** Gives it images of this machine. */
  async load(names: string[]): Promise<void> {
    await $({ quiet: true })`docker save ${names} | docker exec --interactive ${this.shared.id} docker load`;
  }

  /** Runs a shell line on the machine. */
  async sh(line: string, user = "deploy"): Promise<ProcessOutput> {
    return $({ nothrow: true, quiet: true })`docker exec --user ${user} ${this.shared.id} bash -c ${line}`;
  }

  async must(line: string, user = "deploy"): Promise<string> {
    const run = await this.sh(line, user);
    if (run.exitCode !== 0) throw new Error(`${line}\n${run.stdall}`);
    return run.stdout;
  }

  async until(isSo: () => Promise<boolean>, what: string, seconds = 60): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; !(await isSo()); await sleep(200)) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    }
  }

  /** Puts what a deploy sends where it unpacks it, and says where that is. */
  async deliver({ secrets = canaries, change, ...delivery }: Delivery): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "stackline-release-"));
    try {
      writeRelease(folder, delivery, secrets);
      change?.(folder);
      const place = `${directory}/releases/.incoming.${Math.random().toString(36).slice(2)}`;
      await this.must(`umask 077; mkdir -p ${place}`);
      const tar = execFileSync("tar", ["-c", "-C", folder, "."], { maxBuffer: 1 << 28 });
      await $({
        quiet: true,
        input: tar,
      })`docker exec --interactive --user deploy ${this.shared.id} tar -x -p --no-same-owner -C ${place}`;
      return place;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async deploy(delivery: Delivery): Promise<ProcessOutput> {
    return this.sh(`bash ${await this.deliver(delivery)}/host/stackline deploy 2>&1`);
  }

  /** The scripts of the current release, as an operator calls them by hand. */
  async stackline(line: string): Promise<ProcessOutput> {
    return this.sh(`bash ${directory}/current/host/stackline ${line} 2>&1`);
  }

  /** The name of the release that serves. */
  async current(): Promise<string> {
    return (await this.must(`basename $(readlink ${directory}/current)`)).trim();
  }

  async checks(): Promise<string> {
    const container = "docker ps -q --filter label=com.docker.compose.service=app | head -n 1";
    return this.must(`docker exec $(${container}) python /opt/docker/check_page.py http://nginx || true`);
  }

  /** The newest line of the history, by column. */
  async lastRecord(): Promise<Record<string, string>> {
    const lines = (await this.must(`cat ${directory}/history.tsv`)).trim().split("\n");
    const [head = [], last = []] = [lines[0], lines.at(-1)].map((line) => line?.split("\t"));
    return Object.fromEntries(head.map((name, at) => [name, last[at] ?? ""]));
  }
}

async function buildVmImage(): Promise<void> {
  const { postgres, redis, kafka, nginx, registry, ssh } = images;
  const needed = ["debian:bookworm-slim", postgres, redis, kafka, nginx, registry, ssh];
  await $({ quiet: true, cwd: root })`scripts/images ${needed}`;
  await $({
    quiet: true,
    env: { ...process.env, DOCKER_BUILDKIT: "0" },
  })`docker build --quiet --tag stackline-test-vm ${join(root, "scripts/vm")}`;
}

/** Builds a production image, with the cache that the groups of a run share, and saves it as an archive. */
async function exportApplication(path: string, app = join(root, "app")): Promise<void> {
  const STACKLINE_CACHE = process.env.STACKLINE_TEST_CACHE ?? process.env.STACKLINE_CACHE;
  const env = { ...process.env, STACKLINE_ENGINE: "embedded", STACKLINE_CACHE };
  await $({ quiet: true, cwd: root, env })`scripts/dagger call build --app ${app} export --path ${path}`;
}

/** Machines of test runs that were killed: their names end with the process. */
async function removeForgotten(): Promise<void> {
  const all = await docker.listContainers({ all: true, filters: { name: ["^/stackline-test-vm-"] } });
  const forgotten = all.filter(({ Names }) => !existsSync(`/proc/${Names[0]?.split("-").at(-1)}`));
  await Promise.all(forgotten.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
}

function writeRelease(
  folder: string,
  { image, settings = {}, keepReleases = 3, requestGrace, taskGrace, environment: more = {} }: Delivery,
  secrets: Record<string, string>,
): void {
  const parts = ["docker-compose.prod.yml", "nginx", "scripts/postgres", "logs"];
  for (const part of parts.filter((part) => existsSync(join(root, part))))
    cpSync(join(root, part), join(folder, part), { recursive: true });
  cpSync(join(root, "scripts/host"), join(folder, "host"), { recursive: true });
  const fields = {
    host: "vm",
    user: "deploy",
    hostKey: generateKeyPair().publicKey,
    repository,
    keepReleases,
    requestGrace,
    taskGrace,
    settings,
    ...more,
  };
  const environment = parseEnvironment("test", JSON.stringify(fields));
  const sent = Math.floor(Date.now() / 1000);
  writeFileSync(join(folder, "release.env"), releaseSettings(environment, { image, backup: true, sent }));
  const given = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
  const lines = [...parseSecrets(given.join(""))].map(([name, value]) => `${name}=${value}\n`);
  execFileSync(join(folder, "host/place-secrets"), [join(folder, "secrets")], { input: lines.join("") });
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((wake) => setTimeout(wake, milliseconds));
