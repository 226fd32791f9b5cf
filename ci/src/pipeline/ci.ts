import { type Container, type Directory, dag, type ExecError } from "@dagger.io/dagger";
import { buildImage } from "../stack/image.js";
import { nameNetrc } from "../stack/netrc.js";
import { readProject } from "../stack/project.js";
import { startStack } from "../stack/stack.js";
import { isCached, rethrow } from "./cache-marker.js";
import { checkPage, photographPage } from "./checks.js";
import { findings, runLinters } from "./lint.js";
import { lintedOf } from "./linted.js";
import { asMarkdown, asText, describeFailure, type Result } from "./summary.js";
import { checkParallel, checkTimeout, finishTests, type Tested } from "./tests.js";

/** Inputs of the parts. */
export interface Sources extends Tested {
  source: Directory;
  nginx: Directory;
}

/** Outcome of a part; `files` are its reports. */
interface Outcome {
  passed: boolean;
  cached: string;
  output: string;
  files?: Directory;
}

type Part = (sources: Sources, started: number) => Promise<Outcome>;

const parts: Record<string, Part> = { lint, test, build, checks };

/**
 * Runs all checks of a pull request in parallel, each to its end.
 * @returns a table.
 * @throws Error that ends with the first failure.
 */
export async function runPipeline(sources: Sources): Promise<string> {
  checkTimeout(sources.timeout);
  checkParallel(sources.parallel);
  await readProject(sources.app);
  if (sources.netrc) await nameNetrc(sources.netrc);
  const results = await runParts(sources, parts);
  if (results.every(({ passed }) => passed)) return asText(results);
  throw new Error(describeFailure(results));
}

/** The same, as a folder: summary.md, test reports and a screenshot of /checks. Failures do not make it incomplete. */
export async function reportPipeline(sources: Sources): Promise<Directory> {
  const results = await runParts(sources, { ...parts, checks: checksWithScreenshot });
  return results.reduce(
    (folder, { files }) => (files ? folder.withDirectory("/", files) : folder),
    dag.directory().withNewFile("summary.md", asMarkdown(results)),
  );
}

type PartResult = Result & Pick<Outcome, "files">;

function runParts(sources: Sources, all: Record<string, Part>): Promise<PartResult[]> {
  const started = Date.now();
  return Promise.all(
    Object.entries(all).map(async ([name, part]) => {
      const outcome = await part(sources, started).catch(failed);
      return { name, ...outcome, started, ended: Date.now() };
    }),
  );
}

/** The outcome of a part that threw. The output of a command is in the streams of the error, not in its message. */
function failed(error: Error & Partial<ExecError>): Outcome {
  const texts = [error.message, error.stdout, error.stderr].map((text) => (text ?? "").trim());
  const output = texts.filter((text, i) => text !== "" && (i === 0 || !texts[0]?.includes(text))).join("\n");
  return { passed: false, cached: "ran", output };
}

const label = (cached: boolean): string => (cached ? "cached" : "ran");

async function lint({ source, app }: Sources): Promise<Outcome> {
  const verdicts = await runLinters(await lintedOf(source, app));
  const output = findings(verdicts);
  const cached = verdicts.filter((verdict) => verdict.cached).length;
  const some = cached > 0 && cached < verdicts.length;
  return {
    passed: output === "",
    cached: some ? `${cached} of ${verdicts.length} cached` : label(cached > 0),
    output,
  };
}

async function test(sources: Sources): Promise<Outcome> {
  const { passed, cached, output, reports } = await finishTests(sources);
  return { passed, cached: label(cached), output, files: reports };
}

/** The last step of a build collects the static files: the age of their folder tells whether the build was cached. */
async function build(sources: Sources, started: number): Promise<Outcome> {
  const image = await buildImage(sources, "runtime");
  const built = await image.withExec(["stat", "-c", "%Y", "/srv/www"]).stdout();
  return { passed: true, cached: label(Number(built) < Math.floor(started / 1000)), output: "" };
}

async function checks(sources: Sources, started: number): Promise<Outcome> {
  return readChecks(checkPage(await startStack(sources, sources.nginx)), started);
}

async function readChecks(run: Container, started: number): Promise<Outcome> {
  const [output, cached] = await Promise.all([run.stdout().catch(rethrow), isCached(run, started)]);
  return { passed: true, cached: label(cached), output };
}

/** The page and the screenshot come from the same stack. A failed screenshot is left out. */
async function checksWithScreenshot(sources: Sources, started: number): Promise<Outcome> {
  const entry = await startStack(sources, sources.nginx);
  const [outcome, screenshot] = await Promise.all([
    readChecks(checkPage(entry), started).catch(failed),
    photographPage(entry, 1280, 1000)
      .sync()
      .catch(() => undefined),
  ]);
  return screenshot ? { ...outcome, files: dag.directory().withFile("checks.png", screenshot) } : outcome;
}
