import { type Container, type Directory, dag, type ExecError } from "@dagger.io/dagger";
import { buildImage } from "../stack/image.js";
import { startStack } from "../stack/stack.js";
import { isKept } from "./cache-marker.js";
import { photographPage, runChecks } from "./checks.js";
import { findings, runLinters } from "./lint.js";
import { asMarkdown, asText, describeFailure, type Result } from "./summary.js";
import { finishTests } from "./tests.js";

/** What the parts work on. */
export interface Sources {
  source: Directory;
  app: Directory;
  nginx: Directory;
}

/** What a part came to; `files` is what it leaves for people to look at. */
interface Finding {
  passed: boolean;
  kept: string;
  output: string;
  files?: Directory;
}

type Part = (sources: Sources, started: number) => Promise<Finding>;

const parts: Record<string, Part> = { lint, test, build, checks };

/**
 * Everything that a pull request needs, side by side, each to its end.
 * @returns a table.
 * @throws Error that ends with what failed first, when something did.
 */
export async function runPipeline(sources: Sources): Promise<string> {
  const results = await runParts(sources, parts);
  if (results.every(({ passed }) => passed)) return asText(results);
  throw new Error(describeFailure(results));
}

/** The same, as a folder: summary.md, the reports of the tests, a picture of /checks. It is whole, whatever failed. */
export async function reportPipeline(sources: Sources): Promise<Directory> {
  const results = await runParts(sources, { ...parts, checks: checksWithPicture });
  return results.reduce(
    (folder, { files }) => (files ? folder.withDirectory("/", files) : folder),
    dag.directory().withNewFile("summary.md", asMarkdown(results)),
  );
}

type PartResult = Result & Pick<Finding, "files">;

function runParts(sources: Sources, all: Record<string, Part>): Promise<PartResult[]> {
  const started = Date.now();
  return Promise.all(
    Object.entries(all).map(async ([name, part]) => {
      const finding = await part(sources, started).catch(failed);
      return { name, ...finding, started, ended: Date.now() };
    }),
  );
}

/** An error that a part died of. What a command said stands in its streams, not in the message. */
function failed(error: Error & Partial<ExecError>): Finding {
  const texts = [error.message, error.stdout, error.stderr].map((text) => (text ?? "").trim());
  const output = texts.filter((text, i) => text !== "" && (i === 0 || !texts[0]?.includes(text))).join("\n");
  return { passed: false, kept: "ran", output };
}

const wording = (kept: boolean): string => (kept ? "cached" : "ran");

async function lint({ source }: Sources): Promise<Finding> {
  const verdicts = await runLinters(source);
  const output = findings(verdicts);
  const kept = verdicts.filter((verdict) => verdict.kept).length;
  const some = kept > 0 && kept < verdicts.length;
  return {
    passed: output === "",
    kept: some ? `${kept} of ${verdicts.length} cached` : wording(kept > 0),
    output,
  };
}

async function test({ app }: Sources): Promise<Finding> {
  const { passed, kept, output, reports } = await finishTests(app);
  return { passed, kept: wording(kept), output, files: reports };
}

/** The last thing that a build does is to collect the static files: their folder tells when it did. */
async function build({ app }: Sources, started: number): Promise<Finding> {
  const built = await buildImage(app, "runtime").withExec(["stat", "-c", "%Y", "/srv/www"]).stdout();
  return { passed: true, kept: wording(Number(built) < Math.floor(started / 1000)), output: "" };
}

async function checks({ app, nginx }: Sources, started: number): Promise<Finding> {
  return readChecks(runChecks(app, startStack(app, nginx)), started);
}

async function readChecks(run: Container, started: number): Promise<Finding> {
  const [output, kept] = await Promise.all([run.stdout(), isKept(run, started)]);
  return { passed: true, kept: wording(kept), output };
}

/** The page and its picture come from the same stack. Where none can be taken, there is none. */
async function checksWithPicture({ app, nginx }: Sources, started: number): Promise<Finding> {
  const entry = startStack(app, nginx);
  const [finding, picture] = await Promise.all([
    readChecks(runChecks(app, entry), started).catch(failed),
    photographPage(entry, 1280, 1000)
      .sync()
      .catch(() => undefined),
  ]);
  return picture ? { ...finding, files: dag.directory().withFile("checks.png", picture) } : finding;
}
