import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { basesFor } from "../src/packaging/bases.ts";
import { buildArguments, type Stage } from "../src/packaging/build-arguments.ts";
import { withAdvice } from "../src/packaging/frontend.ts";
import { systemPackages } from "../src/packaging/system-packages.ts";
import { isOfContract, requireDeployable, usedBackends } from "../src/stack/project.ts";
import { detectIn, entry, manage, startproject, type Tree } from "./project-folders.ts";
import { root } from "./support.ts";

const argumentsOf = async (tree: Tree, stage: Stage = "runtime"): Promise<Record<string, string>> =>
  buildArguments(await detectIn(tree), stage);
const pyproject = (text: string): string =>
  `[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.12"\n${text}`;
const uvLock = (...names: string[]): string =>
  names.map((name) => `[[package]]\nname = "${name}"\nversion = "5.2.4"\n`).join("\n");

describe("the images of a Python version", () => {
  test.each([
    ["3.12", "python:3.12-bookworm", "python:3.12-slim-bookworm"],
    ["3.14", "python:3.14-bookworm", "python:3.14-slim-bookworm"],
    ["3.11.4", "python:3.11.4-bookworm", "python:3.11.4-slim-bookworm"],
    ["3.11.3", "python:3.11.3", "python:3.11.3-slim"],
    ["3.8", "python:3.8-bookworm", "python:3.8-slim-bookworm"],
    ["3.8.5", "python:3.8.5-buster", "python:3.8.5-slim-buster"],
    ["3.9.0", "python:3.9.0", "python:3.9.0-slim"],
  ])("%s", (version, full, slim) => {
    expect(basesFor(version)).toEqual({ full, slim });
  });
});

describe("system packages", () => {
  test.each<[requirements: string, packages: string[]]>([
    ["Django\npython-magic", ["libmagic1"]],
    ["Django\nweasyprint>=60", ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]],
    ["Django\npsycopg", ["libpq5"]],
    ["Django\npsycopg[pool]", ["libpq5"]],
    ["Django\npsycopg[binary]", []],
    ["Django\npsycopg\npsycopg-binary", []],
    ["Django\npsycopg2", []],
    ["Django\npillow", []],
  ])("of %j", async (requirements, packages) => {
    expect(systemPackages(await detectIn(startproject({ "requirements.txt": requirements })))).toEqual(
      packages,
    );
  });

  test("of stackline.json are added", async () => {
    const tree = startproject({
      "requirements.txt": "Django\n",
      "stackline.json": '{"packages": ["gdal-bin"]}',
    });
    expect((await argumentsOf(tree)).PACKAGES).toBe("gdal-bin");
  });
});

describe("what is installed", () => {
  const installs = async (tree: Tree): Promise<[string | undefined, string | undefined]> => {
    const stages = await Promise.all([argumentsOf(tree), argumentsOf(tree, "test")]);
    return [stages[0].DEPENDENCIES, stages[1].DEPENDENCIES];
  };

  test.each<[name: string, tree: Tree, main: string, tests: string]>([
    [
      "requirements.txt",
      startproject({ "requirements.txt": "Django==5.2.4" }),
      "requirements.txt",
      "requirements.txt",
    ],
    [
      "requirements with others for tests",
      startproject({ "requirements.txt": "Django==5.2.4", "requirements-dev.txt": "pytest-django" }),
      "requirements.txt",
      "requirements.txt requirements-dev.txt",
    ],
    [
      "requirements for tests that include the others",
      startproject({
        "requirements/base.txt": "Django==5.2.4",
        "requirements/production.txt": "-r base.txt\ngunicorn",
        "requirements/test.txt": "-r base.txt\npytest-django",
      }),
      "requirements/production.txt",
      "requirements/test.txt",
    ],
    [
      "requirements for tests that include Django, and lack the driver of the database",
      startproject({
        "requirements/base.txt": "Django==5.2.4",
        "requirements/production.txt": "-r base.txt\npsycopg[binary]",
        "requirements/development.txt": "-r base.txt\nruff",
      }),
      "requirements/production.txt",
      "requirements/production.txt requirements/development.txt",
    ],
    [
      "requirements for tests with another driver of the same database",
      startproject({
        "requirements/base.txt": "Django==5.2.4",
        "requirements/production.txt": "-r base.txt\npsycopg2",
        "requirements/development.txt": "-r base.txt\npsycopg2-binary",
      }),
      "requirements/production.txt",
      "requirements/development.txt",
    ],
    [
      "uv.lock with a group",
      startproject({
        "pyproject.toml": pyproject(
          'dependencies = ["django>=5"]\n[dependency-groups]\ndev = ["pytest-django"]\n',
        ),
        "uv.lock": uvLock("django", "pytest-django"),
      }),
      "uv.lock",
      "uv.lock group:dev",
    ],
    [
      "a member of a workspace",
      {
        ...Object.fromEntries(
          Object.entries(startproject()).map(([path, text]) => [`apps/web/${path}`, text]),
        ),
        "pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*"]\n',
        "uv.lock": uvLock("django"),
        "apps/web/pyproject.toml": pyproject('dependencies = ["django>=5"]\n'),
      },
      "uv.lock apps/web/pyproject.toml",
      "uv.lock apps/web/pyproject.toml",
    ],
    [
      "pyproject.toml without a lock file",
      startproject({
        "pyproject.toml": pyproject(
          'dependencies = ["django>=5"]\n[project.optional-dependencies]\ntest = ["pytest"]\n',
        ),
      }),
      "pyproject.toml",
      "pyproject.toml extra:test",
    ],
    [
      "packages that stackline.json adds",
      startproject({
        "pyproject.toml": pyproject('dependencies = ["django>=5"]\n'),
        "uv.lock": uvLock("django"),
        "stackline.json": '{"requirements": ["packaging", "setuptools<81"]}',
      }),
      "uv.lock packaging setuptools<81",
      "uv.lock packaging setuptools<81",
    ],
    ["nothing but the Django that generated the project", startproject(), "Django~=4.2.0", "Django~=4.2.0"],
  ])("%s", async (_, tree, main, tests) => {
    expect(await installs(tree)).toEqual([main, tests]);
  });

  test("is refused if no file says anything", async () => {
    const tree = {
      "manage.py": manage("shop.settings"),
      "shop/settings.py": "DEBUG = True\n",
      "shop/wsgi.py": entry("wsgi", "shop.settings"),
    };
    await expect(argumentsOf(tree)).rejects.toThrow(
      /^no file declares the project's packages: write Django into requirements\.txt/,
    );
  });
});

test("a front end that cannot be built says where it was found, and how to leave it out", () => {
  const value = { folder: "web", manager: "npm", script: "build" } as const;
  const [program = "", ...args] = withAdvice(["sh", "-c", "echo said; exit 3"], {
    value,
    origin: "guessed",
    file: "web/package.json",
    line: 4,
  });
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([
    1,
    "said\n",
    'the front end in web (web/package.json:4) cannot be built with `npm run build`: name another, or leave it out, in stackline.json: {"frontend": false}\n',
  ]);
});

describe("the Dockerfile", () => {
  const dockerfile = readFileSync(join(root, "ci/image/Dockerfile"), "utf8");
  const declared = [...dockerfile.matchAll(/^ARG (\w+)/gm)].map(([, name]) => name);

  test("declares every argument that the module gives", async () => {
    expect(Object.keys(await argumentsOf(startproject())).filter((name) => !declared.includes(name))).toEqual(
      [],
    );
  });

  test("starts what serves the project, in the folder of manage.py", async () => {
    const inSource = Object.fromEntries(
      Object.entries(startproject()).map(([path, text]) => [`src/${path}`, text]),
    );
    const given = await argumentsOf({
      ...inSource,
      "pyproject.toml": pyproject('dependencies = ["django", "channels"]\n'),
    });
    expect(given).toMatchObject({ FOLDER: "src", WSGI: "", ASGI: "mysite.asgi:application", CELERY: "" });
  });
});

test("a project of the contract may use every service; another uses what is found, and is deployed with PostgreSQL", async () => {
  const contract: Tree = {
    "manage.py": manage("devops_001.settings"),
    "requirements.txt": "Django==3.2\ncelery\n",
    "devops_001/settings.py": "WSGI_APPLICATION = 'devops_001.wsgi.application'\n",
    "devops_001/wsgi.py": entry("wsgi", "devops_001.settings"),
    "devops_001/celery.py": 'from celery import Celery\napp = Celery("devops_001")\n',
  };
  const project = await detectIn(contract);
  expect([isOfContract(project), usedBackends(project)]).toEqual([true, ["postgres", "redis", "kafka"]]);
  const other = await detectIn(startproject({ "requirements.txt": "Django\npsycopg[binary]\n" }));
  expect([isOfContract(other), usedBackends(other)]).toEqual([false, ["postgres"]]);
  const sqlite = await detectIn(startproject({ "requirements.txt": "Django\n" }));
  for (const deployable of [project, other]) expect(() => requireDeployable(deployable)).not.toThrow();
  expect(() => requireDeployable(sqlite)).toThrow(/^a deploy needs PostgreSQL, .* to stackline\.json$/);
});
