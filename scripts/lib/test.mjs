// Runs groups of tests one after another and adds up their results. Called by scripts/test, which sets up.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    const {
      numPassedTests: passed,
      numFailedTests,
      numFailedTestSuites,
    } = JSON.parse(readFileSync(file, "utf8"));
    // A file that cannot be loaded has no failed test in it, and fails all the same.
    const failed = Math.max(
      numFailedTests,
      run.exitCode === 0 ? 0 : 1,
      numFailedTests === 0 ? numFailedTestSuites : 0,
    );
    return { passed, failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** The Django tests, run by the pipeline itself with nothing kept from earlier runs. */
async function applicationTests() {
  const env = { ...process.env, STACKLINE_CACHE: join(scratch, "cache"), STACKLINE_ENGINE: "embedded" };
  const run = await $({ nothrow: true, env, stdio: ["ignore", "pipe", "inherit"] })`scripts/dagger call test`;
  const total = Number(/^Ran (\d+) tests? in/m.exec(run.stdout)?.[1] ?? 0);
  return run.exitCode === 0 && total > 0 ? { passed: total, failed: 0 } : { passed: 0, failed: 1 };
}

const asked = argv._.length > 0 ? argv._ : Object.keys(groups);
const unknown = asked.find((name) => !(name in groups));
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
for (const { name, passed, failed, seconds } of results)
  console.log(`${name}: ${passed} passed, ${failed} failed (${seconds} s)`);
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const failed = sum("failed") + (sum("passed") + sum("failed") === 0 ? 1 : 0);
console.log(`${sum("passed")} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
