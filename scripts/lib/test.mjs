// Runs groups of tests one after another and adds up their results. Called by scripts/test, which sets up.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { $, argv } from "zx";

const scratch = mkdtempSync(join(tmpdir(), "stackline-test-"));

const groups = {
  pure: () => vitest("pure"),
  engine: () => vitest("engine"),
  app: applicationTests,
  module: () => vitest("module"),
  stack: () => vitest("stack"),
  logs: () => vitest("logs"),
  vm: () => vitest("vm"),
};

/** Runs a project of vitest.config.ts; a run that breaks down before it can report counts as one failure. */
async function vitest(project) {
  const file = join(scratch, `${project}.json`);
  const run = await $({
    nothrow: true,
    stdio: "inherit",
  })`npx vitest run --project ${project} --reporter=default --reporter=json --outputFile.json=${file}`;
  try {
    const { numPassedTests: passed, testResults } = JSON.parse(readFileSync(file, "utf8"));
    const failures = testResults.flatMap(failuresOf);
    if (failures.length === 0 && run.exitCode !== 0)
      failures.push({ name: project, message: `no test failed, but vitest ended with ${run.exitCode}` });
    return { passed, failures };
  } catch {
    return { passed: 0, failures: [{ name: project, message: "vitest broke down before it could report" }] };
  }
}

/** What failed in a file of tests: tests, or the file as a whole, as when it cannot be loaded. */
function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(process.cwd(), name);
  const failures = assertionResults
    .filter((test) => test.status === "failed")
    .map((test) => ({ name: `${file}: ${test.fullName}`, message: test.failureMessages.join("\n") }));
  return failures.length === 0 && status === "failed"
    ? [{ name: file, message: message || "a hook of one of its suites failed" }]
    : failures;
}

/** The Django tests, run by the pipeline itself with nothing kept from earlier runs. */
async function applicationTests() {
  const env = { ...process.env, STACKLINE_CACHE: join(scratch, "cache"), STACKLINE_ENGINE: "embedded" };
  const run = await $({ nothrow: true, env, stdio: ["ignore", "pipe", "inherit"] })`scripts/dagger call test`;
  const total = Number(/^Ran (\d+) tests? in/m.exec(run.stdout)?.[1] ?? 0);
  if (run.exitCode === 0 && total > 0) return { passed: total, failures: [] };
  return { passed: 0, failures: [{ name: "dagger call test", message: `it ended with ${run.exitCode}` }] };
}

const asked = argv._.length > 0 ? argv._ : Object.keys(groups);
const options = Object.keys(argv).filter((name) => name !== "_");
const unknown = [...options.map((name) => `--${name}`), ...asked].find((name) => !(name in groups));
if (unknown !== undefined) {
  console.error(
    `scripts/test: there is no group ${unknown}; the groups are ${Object.keys(groups).join(", ")}`,
  );
  process.exit(2);
}

const results = [];
for (const name of asked) {
  console.log(`\n== ${name}`);
  const started = Date.now();
  const result = await groups[name]();
  results.push({ name, ...result, seconds: Math.round((Date.now() - started) / 1000) });
}
rmSync(scratch, { recursive: true, force: true });

console.log();
for (const { name, passed, failures, seconds } of results) {
  console.log(`${name}: ${passed} passed, ${failures.length} failed (${seconds} s)`);
  // The end of a long log is what a CI server shows: it says what failed, and how.
  for (const failure of failures) console.log(describe(failure));
}
const passed = results.reduce((total, result) => total + result.passed, 0);
const failed = results.reduce((total, result) => total + result.failures.length, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(passed > 0 && failed === 0 ? 0 : 1);

/** A failure as the summary has it: its name and the head of what was said. */
function describe({ name, message = "" }) {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => !line.includes("/node_modules/"))
    .slice(0, 30);
  return [`  ${name}`, ...lines.map((line) => `    ${line}`)].join("\n");
}
