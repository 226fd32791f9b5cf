import { randomBytes } from "node:crypto";
import { type Container, type Directory, dag, type Service } from "@dagger.io/dagger";
import type { Environment } from "../site/environment.js";
import { releaseFolder } from "../site/release.js";
import { parseSecrets } from "../site/secrets.js";
import { callMachine } from "../site/ssh-connection.js";
import { buildImage } from "../stack/image.js";
import { images } from "../versions.js";
import { loadImage, onThrowaway, provideImage, startThrowaway, type Throwaway } from "./disposable-vm.js";

export interface Rehearsal {
  app: Directory;
  /** The whole project. */
  source: Directory;
  /** Requests a second. */
  rate: number;
}

/** What the load generator counted in one phase; times in milliseconds. */
export interface Count {
  name: string;
  sent: number;
  failed: number;
  maintenance: number;
  sentAgain: number;
  reasons: Record<string, number>;
  median: number;
  p99: number;
}

interface Row {
  name: string;
  seconds: number;
  outcome: string;
}

/** Phases in which visitors are told of maintenance, as they should be. */
const maintained = ["restore"];

/**
 * The same deploy, rollback and restore as on a real machine, on one that is thrown away, under load.
 * @returns a table of what was done, how long it took, and how many requests failed.
 * @throws Error with the table when a request failed or a step did not end as it has to.
 */
export async function rehearse(rehearsal: Rehearsal): Promise<string> {
  const { source } = rehearsal;
  const machine = await startThrowaway(source.directory("scripts/vm"), source.directory("scripts/host"));
  const load = startLoad(source, machine.service, rehearsal.rate);
  try {
    const releases = await publishThere(machine, rehearsal);
    const rows = await play(machine, source, releases, load);
    await tell(load, "stop");
    return verdict(rows, JSON.parse(await tell(load, "report")));
  } finally {
    await load.stop();
    await machine.service.stop();
  }
}

/** Two releases of one application, by digest, in a registry on the machine itself. */
async function publishThere(machine: Throwaway, { app, source }: Rehearsal): Promise<[string, string]> {
  const upstream = [images.postgres, images.redis, images.kafka, images.nginx, images.registry];
  for (const name of upstream) await provideImage(machine, name, dag.container().from(name));
  await onThrowaway(
    machine,
    `docker run -d --name registry --publish 127.0.0.1:5000:5000 ${images.registry}`,
  );
  await loadImage(machine, "rehearsal:1", await withRehearsalPages(app, source));
  await onThrowaway(
    machine,
    "printf 'FROM rehearsal:1\\nENV REHEARSAL=2\\n' | docker build --quiet --tag rehearsal:2 -",
  );
  return [await push(machine, "1"), await push(machine, "2")];
}

async function push(machine: Throwaway, tag: string): Promise<string> {
  const name = `${machine.environment.repository}:${tag}`;
  const line = `docker tag rehearsal:${tag} ${name} && docker push --quiet ${name} >&2 && docker inspect --format '{{index .RepoDigests 0}}' ${name}`;
  return (await onThrowaway(machine, line)).trim();
}

/** Pages that any application has then: one that asks the database, one that takes 2 s. */
async function withRehearsalPages(app: Directory, source: Directory): Promise<Container> {
  const image = buildImage(app, "runtime");
  const path = `${await image.workdir()}/devops_001/wsgi.py`;
  const [wsgi, pages] = await Promise.all([
    image.file(path).contents(),
    source.file("scripts/rehearse/pages.py").contents(),
  ]);
  return image.withNewFile(path, wsgi + pages, { permissions: 0o644 });
}

function startLoad(source: Directory, vm: Service, rate: number): Service {
  return dag
    .container()
    .from(images.node)
    .withFile("/load.mjs", source.file("scripts/rehearse/load.mjs"))
    .withServiceBinding("vm", vm)
    .withExposedPort(8080)
    .asService({ args: ["node", "/load.mjs", "vm", String(rate), "8080"] });
}

function tell(load: Service, what: string): Promise<string> {
  const ask = "fetch(process.argv[1]).then((answer) => answer.text()).then(console.log)";
  return dag
    .container()
    .from(images.node)
    .withServiceBinding("load", load)
    .withEnvVariable("STACKLINE_CALLED_AT", `${Date.now()} ${Math.random()}`)
    .withExec(["node", "--eval", ask, `http://load:8080/${what}`])
    .stdout();
}

async function play(
  machine: Throwaway,
  source: Directory,
  [first, second]: [string, string],
  load: Service,
): Promise<Row[]> {
  const secrets = dag.setSecret("rehearsal-stack", randomSecrets());
  const deploy = (image: string, settings: Environment["settings"] = {}): Promise<string> =>
    callMachine(machine, ["deploy"], {
      secrets,
      by: "rehearsal",
      release: releaseFolder(
        source,
        { ...machine.environment, settings },
        {
          image,
          backup: true,
          sent: Math.floor(Date.now() / 1000),
        },
      ),
    });
  await load.start();
  const rows: Row[] = [];
  const phase = async (
    name: string,
    run: () => Promise<string>,
    ends: "ok" | "refused" = "ok",
  ): Promise<string> => {
    // Before the first release there is nobody to send requests to.
    if (rows.length > 0) await tell(load, `phase/${encodeURIComponent(name)}`);
    const started = Date.now();
    const { outcome, output } = await attempt(run);
    rows.push({
      name,
      seconds: (Date.now() - started) / 1000,
      outcome: outcome === ends ? outcome : `${outcome}!`,
    });
    return output;
  };
  await phase("first deploy", () => deploy(first));
  await phase("second deploy", () => deploy(second));
  await phase("nothing changed", () => deploy(second));
  await phase("configuration change", () => deploy(second, { LOG_LEVEL: "WARNING" }));
  await phase("release that is never healthy", () => deploy(first, { WEB_CONCURRENCY: "many" }), "refused");
  await phase("rollback", () => callMachine(machine, ["rollback"]));
  await phase("backup", () => callMachine(machine, ["backup"]));
  const newest = (await callMachine(machine, ["backups"])).trim().split("\n").at(-1)?.split(" ")[0] ?? "";
  await phase("restore", () => callMachine(machine, ["restore", newest]));
  return rows;
}

async function attempt(run: () => Promise<string>): Promise<{ outcome: "ok" | "refused"; output: string }> {
  try {
    return { outcome: "ok", output: await run() };
  } catch (problem) {
    return { outcome: "refused", output: String(problem) };
  }
}

function randomSecrets(): string {
  const random = (): string => randomBytes(24).toString("hex");
  const given = `POSTGRES_DB=rehearsal\nPOSTGRES_USER=rehearsal\nPOSTGRES_PASSWORD=${random()}\nREDIS_PASSWORD=${random()}\nSECRET_KEY=${random()}\nAPI_TOKEN=${random()}\n`;
  return [...parseSecrets(given)].map(([name, value]) => `${name}=${value}\n`).join("");
}

function verdict(rows: readonly Row[], counts: readonly Count[]): string {
  const table = rehearsalTable(rows, counts);
  const failures = counts
    .filter(({ failed }) => failed > 0)
    .map(({ name, reasons }) => `${name}: ${JSON.stringify(reasons)}`);
  const surprises = rows
    .filter(({ outcome }) => outcome.endsWith("!"))
    .map(({ name }) => `${name} did not end as it has to`);
  const closed = counts
    .filter(({ name, maintenance }) => maintenance > 0 && !maintained.includes(name))
    .map(({ name }) => `${name} showed the maintenance page`);
  const problems = [...failures, ...surprises, ...closed];
  if (problems.length > 0) throw new Error(`${table}\n${problems.join("\n")}`);
  return table;
}

/** Columns in the order of what people ask first. */
export function rehearsalTable(rows: readonly Row[], counts: readonly Count[]): string {
  const head = ["step", "outcome", "seconds", "requests", "failed", "maintenance", "median ms", "p99 ms"];
  const lines = rows.map(({ name, seconds, outcome }) => {
    const count = counts.find((each) => each.name === name);
    const figures = count
      ? [count.sent, count.failed, count.maintenance, count.median, count.p99]
      : Array(5).fill("-");
    return [name, outcome, seconds.toFixed(1), ...figures].map(String);
  });
  const sum = (key: "sent" | "failed" | "maintenance"): string =>
    String(counts.reduce((total, count) => total + count[key], 0));
  const all = [head, ...lines, ["all", "", "", sum("sent"), sum("failed"), sum("maintenance"), "", ""]];
  const widths = head.map((_, column) => Math.max(...all.map((line) => (line[column] ?? "").length)));
  return `${all
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")}\n`;
}
