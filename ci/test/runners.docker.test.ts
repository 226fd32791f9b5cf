/** @module-tag slow */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, inject, test } from "vitest";
import { $ } from "zx";
import { dagger, root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

/** A project with nothing but runner files, each with a different error. */
function brokenProject(): string {
  const project = join(folder, "project");
  const breaks: Record<string, [string, string]> = {
    ".github/workflows/pipeline.yml": ["runs-on:", "runs-off:"],
    ".gitlab-ci.yml": ["when: manual", "when: perhaps"],
    ".circleci/config.yml": ["type: approval", "type: 3"],
    "bitbucket-pipelines.yml": ["trigger: manual", "trigger: never"],
    "azure-pipelines.yml": ["runOnce:", "runTwice:"],
    "renovate.json": ['"prConcurrentLimit": 5', '"prConcurrentLimit": "many"'],
  };
  for (const [path, [right, wrong]] of Object.entries(breaks)) {
    const text = readFileSync(join(root, path), "utf8");
    expect(text).toContain(right);
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text.replace(right, wrong));
  }
  return project;
}

test("lint validates the files of all runners and of Renovate with their schemas", async () => {
  const run = await dagger(cache, "call", "lint", `--source=${brokenProject()}`);
  expect(run.exitCode).toBe(1);
  expect(run.output).toMatch(/^runners +FAIL/m);
  for (const file of ["pipeline.yml", ".gitlab-ci.yml", ".circleci/config.yml", "bitbucket-pipelines.yml"])
    expect(run.output, file).toMatch(new RegExp(`${file}::\\$`));
  expect(run.output).toMatch(/azure-pipelines\.yml::\$/);
  expect(run.output).toMatch(/renovate\.json::\$/);
});

const GROOVY_SHA256 = "5240a9151289115e4d447d6b6d4cb9ac8a9fc6374e079714dfeeffda42323be8";

test("the Jenkinsfile compiles with the Groovy compiler", async (context) => {
  const tools = await $({ nothrow: true, quiet: true })`java -version && mvn --version`;
  if (tools.exitCode !== 0) context.skip("Java and Maven are missing here");
  const artifact = "org.apache.groovy:groovy:4.0.33";
  await $({ quiet: true })`mvn -B -q dependency:copy -Dartifact=${artifact} -DoutputDirectory=${folder}`;
  const jar = join(folder, "groovy-4.0.33.jar");
  expect(createHash("sha256").update(readFileSync(jar)).digest("hex")).toBe(GROOVY_SHA256);
  const compile = (file: string) =>
    $({
      nothrow: true,
      quiet: true,
    })`java -cp ${jar} org.codehaus.groovy.tools.FileSystemCompiler -d ${join(folder, "classes")} ${file}`;
  const copy = join(folder, "Jenkinsfile.groovy");
  cpSync(join(root, "Jenkinsfile"), copy);
  const right = await compile(copy);
  expect(right.exitCode, right.stderr).toBe(0);
  writeFileSync(copy, readFileSync(copy, "utf8").replace("stages {", "stages ("));
  expect((await compile(copy)).exitCode).not.toBe(0);
});
