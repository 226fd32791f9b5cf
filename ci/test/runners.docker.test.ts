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

/** A project without rules for any linter. */
function plainProject(name: string, files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return join(folder, name);
}

test("lint leaves the style of a project without rules alone, and reports its errors", async () => {
  const style = {
    "manage.py": "import os,sys\nx = 'quotes'\n",
    "scripts/start.sh": "#!/bin/sh\necho $1\n",
    "scripts/tool.py": "print(1)\n",
    "site.yml": "a:   1\nb: [1,2]",
    "chart/templates/service.yaml": '{{- if .Values.on }}\nkind: "Service"\n{{- end }}\n',
    "docker-compose.yml": "services:\n  web:\n    env_file: [{ path: .env, required: false }]\n",
    "nginx/site.conf": "server { listen $" + "{PORT}; }\n",
    "package.json": "{}",
    "biome.json": "{}",
  };
  const errors = {
    "manage.py": "print(undefined_name)\n",
    "scripts/start.sh": "#!/bin/sh\nif true; then\n",
    "site.yml": "a: [1\n",
  };
  const [good, bad] = await Promise.all([
    dagger(cache, "call", "lint", `--source=${plainProject("style", style)}`),
    dagger(cache, "call", "lint", `--source=${plainProject("errors", errors)}`),
  ]);
  expect(good.exitCode, good.output).toBe(0);
  expect(bad.exitCode).toBe(1);
  for (const linter of ["ruff", "shellcheck", "yaml"]) {
    expect(good.output).toMatch(new RegExp(`^${linter} +ok$`, "m"));
    expect(bad.output).toMatch(new RegExp(`^${linter} +FAIL$`, "m"));
  }
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
