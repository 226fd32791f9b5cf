import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import { images } from "../../../ci/src/versions.ts";
import { buildOptions, provideImages } from "../../../tests/stack/tools.ts";
import { type Case, type Figure, seconds } from "./figures.ts";
import { ProjectCopy } from "./project.ts";

const base = images.python;
const full = base.replace("slim-", "");

/** A common Dockerfile: requirements copied first, so that their layer stays cached. */
const obvious = `FROM ${full}
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["gunicorn", "devops_001.wsgi:application", "--bind", "0.0.0.0:8000", "--workers=4"]
`;

/** The simplest Dockerfile: any change reinstalls the requirements. */
const careless = `FROM ${full}
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "devops_001.wsgi:application", "--bind", "0.0.0.0:8000", "--workers=4"]
`;

const ours = "Stackline";
const dockerfiles: Record<string, string> = {
  "requirements first": "Dockerfile.obvious",
  "all at once": "Dockerfile.careless",
};

async function build(project: ProjectCopy, name: string): Promise<string> {
  const options =
    name === ours
      ? buildOptions(project.folder)
      : ["--file", join(project.app, dockerfiles[name] as string), project.app];
  const env = { ...process.env, DOCKER_BUILDKIT: "0" };
  const { stdout } = await $({ quiet: true, env })`docker build --quiet ${options}`;
  return stdout.trim();
}

/** In megabytes of 10^6 bytes. */
async function size(image: string): Promise<number> {
  const { stdout } = await $({ quiet: true })`docker image inspect --format ${"{{.Size}}"} ${image}`;
  return Number(stdout) / 1e6;
}

/** Parts of the application's packages, by file name pattern. */
const partsOf: Record<string, string> = {
  "of that, C libraries": "*.so*",
  "of that, compiled Python files": "*.pyc",
};

/** Megabytes of the matching files in an image's virtual environment. */
async function sizeOf(image: string, pattern: string): Promise<number> {
  const script = `find /opt/venv -name '${pattern}' -type f -exec cat {} + | wc -c`;
  const { stdout } = await $({ quiet: true })`docker run --rm --entrypoint sh ${image} -c ${script}`;
  return Number(stdout) / 1e6;
}

function write(project: ProjectCopy): void {
  const mark = randomBytes(6).toString("hex");
  for (const [name, text] of Object.entries({ obvious, careless })) {
    writeFileSync(join(project.app, `Dockerfile.${name}`), text.replace("RUN ", `RUN : ${mark} && `));
  }
  project.forgetBuilds();
}

// The classic builder, because Debian's Docker CLI has no other.
const names = [ours, ...Object.keys(dockerfiles)];

/** Builds all images from one state of the project and records each duration. */
async function measure(project: ProjectCopy, into: Case): Promise<void> {
  for (const name of names) {
    const values = name === ours ? into.ours : into.peers[name];
    values?.push(await seconds(() => build(project, name)));
  }
}

export const image: Figure = {
  key: "b",
  title: "The runtime image",
  how: `\`docker build\` of ci/image/Dockerfile against common Dockerfiles: \`${full}\`, \`pip install\`, copy; one copies the requirements before the rest, one copies everything at once. "Added" is the size of the image without its base image.`,
  async run(rounds) {
    await provideImages();
    const make = (name: string, more: Partial<Case> = {}): Case => ({
      name,
      unit: "s",
      ours: [],
      peers: Object.fromEntries(Object.keys(dockerfiles).map((peer) => [peer, []])),
      ...more,
    });
    const cold = make("build, cold");
    const line = make("build after one line of the application", {
      goal: { of: "ratio", atMost: 0.5 },
      why: "the peers only copy files; this build also collects the static files, which nginx serves under cacheable names.",
    });
    const same = make("build, nothing changed");
    const whole = make("size", { unit: "MB" });
    const added: Case = {
      name: "added to the slim base",
      unit: "MB",
      ours: [],
      peers: {},
      goal: { of: "value", atMost: 60 },
      why: "most of it is the application's packages: C libraries, and compiled Python files, without which every start would compile them again. The rows below show their sizes.",
    };
    const parts = Object.keys(partsOf).map((name): Case => ({ name, unit: "MB", ours: [], peers: {} }));
    for (const _ of rounds) {
      const project = await ProjectCopy.make();
      write(project);
      await measure(project, cold);
      await measure(project, same);
      project.editLine();
      await measure(project, line);
      for (const name of names) {
        const id = await build(project, name);
        (name === ours ? whole.ours : whole.peers[name])?.push(await size(id));
        if (name === ours) {
          added.ours.push((await size(id)) - (await size(base)));
          for (const part of parts) part.ours.push(await sizeOf(id, partsOf[part.name] as string));
        }
        await $({ quiet: true, nothrow: true })`docker rmi ${id}`;
      }
      project.remove();
    }
    return [whole, added, ...parts, cold, line, same];
  },
};
