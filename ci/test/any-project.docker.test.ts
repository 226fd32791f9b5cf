/** @module-tag slow */

import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { $ } from "zx";
import { dagger, root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");
const fixtures = join(root, "ci/test/fixtures/projects");
const python = join(folder, "venv/bin/python");
const call = (name: string, ...args: string[]) => dagger(cache, "-q", "call", name, ...args);

/** The programs that people create projects and lock files with. */
beforeAll(async () => {
  await $({ quiet: true })`python3 -m venv ${join(folder, "venv")}`;
  await $({ quiet: true })`${python} -m pip install --quiet uv==0.13.9`;
  await install("poetry", "Django~=5.2.0");
});

async function install(...names: string[]): Promise<void> {
  await $({ quiet: true })`${python} -m uv pip install --quiet --python ${python} ${names}`;
}

/** A copy of a fixture, locked by its own program as of today. */
async function locked(name: string, ...command: string[]): Promise<string> {
  const project = join(folder, name);
  cpSync(join(fixtures, name), project, { recursive: true });
  if (command[0] === "poetry") appendFileSync(join(project, "pyproject.toml"), await poetrySource());
  await $({ quiet: true, cwd: project })`${python} -m ${command}`;
  return project;
}

/** The index that pip uses, for Poetry, which by default asks for more than some mirrors answer. */
async function poetrySource(): Promise<string> {
  const program = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
  const { stdout } = await $({ quiet: true })`${python} -c ${program}`;
  return `\n[[tool.poetry.source]]\nname = "index"\nurl = "${stdout.trim()}/"\n`;
}

/** Runs the tests and the checks at the same time, as `ci` does. */
async function tryOut(app: string, ...select: string[]) {
  const test = call("test", `--app=${app}`, ...select.map((text) => `--select=${text}`));
  const [tests, checks] = await Promise.all([test, call("checks", `--app=${app}`)]);
  expect(tests.exitCode, tests.end).toBe(0);
  expect(checks.exitCode, checks.end).toBe(0);
  return { tests: tests.stdout, checks: checks.stdout.trim().split("\n") };
}

/** Two classes, because Django distributes classes among its processes. */
const djangoTests = `import time

from django.contrib.auth.models import User
from django.test import SimpleTestCase, TestCase

from polls.label import label


class UserTest(TestCase):
    def test_count(self):
        time.sleep(0.3)
        self.assertEqual(label(User.objects.count()), "none")


class LabelTest(SimpleTestCase):
    def test_label(self):
        time.sleep(0.3)
        self.assertEqual(label(2), "2 users")
`;

describe("a project to which nothing was added", () => {
  test("as `django-admin startproject` leaves it, with an application, is tested and served", async () => {
    const app = join(folder, "start");
    mkdirSync(app);
    await $({ quiet: true, cwd: app })`${python} -m django startproject mysite .`;
    await $({ quiet: true, cwd: app })`${python} manage.py startapp polls`;
    writeFileSync(join(app, "polls/tests.py"), djangoTests);
    writeFileSync(
      join(app, "polls/label.py"),
      'def label(count):\n    if count:\n        return f"{count} users"\n    return "none"\n',
    );
    const { tests, checks } = await tryOut(app);
    expect(tests).toMatch(/^Ran 2 tests in/m);
    expect(checks).toEqual([
      expect.stringMatching(/^ok {3}web: \/ answers (200|404)$/),
      expect.stringMatching(/^ok {3}static files: \/static\/\S+\.css arrives as text\/css$/),
      "ok   database: sqlite, a file in the container of the web server",
    ]);
  });

  test.each(["django", "pytest"])(
    "is tested in two processes by %s, with the results and the coverage of both",
    async (runner) => {
      await install("coverage", "tblib", "pytest-django", "pytest-xdist");
      const reports = join(folder, `reports-${runner}`);
      const app = join(folder, "start");
      writeFileSync(join(app, "pytest.ini"), "[pytest]\npython_files = tests.py\n");
      const env = {
        ...process.env,
        TEST_RUNNER: runner,
        TEST_PARALLEL: "2",
        TEST_FOLDER: app,
        TEST_REPORTS: reports,
        DJANGO_SETTINGS_MODULE: "mysite.settings",
      };
      const run = await $({ quiet: true, env })`${python} ${join(root, "ci/image/testing/run_tests.py")}`;
      expect(run.stdall).toMatch(runner === "django" ? /(Cloning test database.*\n){2}/ : /2 workers/);
      const results = readFileSync(join(reports, "junit.xml"), "utf8");
      for (const name of ["test_count", "test_label"]) {
        const [, seconds] = new RegExp(`name="${name}"[^>]* time="([0-9.]+)"`).exec(results) ?? [];
        expect(Number(seconds)).toBeGreaterThan(0.2);
      }
      // Each process runs one of its branches.
      const coverage = readFileSync(join(reports, "coverage.xml"), "utf8");
      expect(/filename="polls\/label.py"[^>]* line-rate="([0-9.]+)"/.exec(coverage)?.[1]).toBe("1");
    },
  );

  test("is refused in one line, with the place, if its settings cannot be imported", async () => {
    appendFileSync(join(folder, "start/mysite/settings.py"), "import no_such_module\n");
    const run = await call("build", `--app=${join(folder, "start")}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(
      /^.*settings mysite\.settings cannot be imported: .*No module named 'no_such_module' \(at mysite\/settings\.py:\d+\): add the package/m,
    );
  });

  test("with uv, in src/, with pytest, Celery, Channels and uploads, is tested on PostgreSQL and Redis and served", async () => {
    const { tests, checks } = await tryOut(
      await locked("shop", "uv", "lock", "--quiet"),
      "-k",
      "not numbers",
    );
    expect(tests).toMatch(/2 passed, 2 deselected/);
    expect(checks).toEqual([
      "ok   web: /healthz/ answers 200",
      "ok   static files: /static/site.css arrives as text/css",
      "ok   database: postgresql, all migrations are applied",
      "ok   worker: answers",
    ]);
  });

  test("of Poetry, with `manage.py test`, without Redis, with names of its own for variables and a front end, is tested and served", async () => {
    const { tests, checks } = await tryOut(
      await locked("library", "poetry", "lock", "--quiet"),
      "books.tests.BookTest.test_the_page_counts_books",
    );
    expect(tests).toMatch(/^Ran 1 test in/m);
    expect(checks).toEqual([
      "note variables: placeholders stand for LOANS_URL here: a deploy needs their values",
      "ok   web: / answers 200",
      "ok   static files: /static/books/built.css arrives as text/css",
      "ok   database: postgresql, all migrations are applied",
    ]);
  });

  test("of which stackline.json names a Dockerfile and its stages, is tested in the one and served from the other", async () => {
    const app = join(folder, "own");
    mkdirSync(join(app, "src"), { recursive: true });
    await $({ quiet: true, cwd: app })`${python} -m django startproject mysite src`;
    writeFileSync(
      join(app, "Dockerfile"),
      [
        "FROM python:3.12-slim AS production",
        "ARG DJANGO",
        'RUN pip install "Django~=$DJANGO" && touch /built',
        "WORKDIR /code",
        "COPY src .",
        "EXPOSE 80",
        "USER nobody",
        'CMD ["python", "manage.py", "runserver", "0.0.0.0:80"]',
        "FROM production AS test",
        "USER root",
        "RUN pip install pytest-django",
      ].join("\n"),
    );
    writeFileSync(
      join(app, "src/test_own.py"),
      'import pathlib\n\n\ndef test_the_image():\n    assert pathlib.Path("/built").exists()\n',
    );
    const own = { path: "Dockerfile", stage: "production", args: { DJANGO: "5.2.0" } };
    writeFileSync(
      join(app, "stackline.json"),
      JSON.stringify({ dockerfile: own, testDockerfile: { ...own, stage: "test" }, testRunner: "pytest" }),
    );
    const { tests, checks } = await tryOut(app);
    expect(tests).toMatch(/1 passed/);
    expect(checks).toEqual([
      expect.stringMatching(/^ok {3}web: \/ answers (200|404)$/),
      expect.stringMatching(/^ok {3}static files: \/static\/\S+\.css arrives as text\/css$/),
      "ok   database: sqlite, a file in the container of the web server",
    ]);
  });

  test("as `wagtail start` leaves it is tested and served", { tags: ["release"] }, async () => {
    await install("wagtail");
    await $({ quiet: true, cwd: folder })`${join(folder, "venv/bin/wagtail")} start news`;
    writeFileSync(
      join(folder, "news/home/tests.py"),
      "from django.test import TestCase\nfrom wagtail.models import Page\n\n\nclass HomeTest(TestCase):\n    def test_there_is_a_root(self):\n        self.assertTrue(Page.objects.exists())\n",
    );
    writeFileSync(join(folder, "news/.python-version"), "3.12\n"); // which this machine has
    const { checks } = await tryOut(join(folder, "news"));
    expect(checks[0]).toBe("ok   web: / answers 200");
  });
});
