import { describe, expect, it, test } from "vitest";
import { parseRequirements } from "../src/project/requirements.ts";
import {
  fromPoetry,
  isForWindows,
  normalise,
  parseRequirement,
  satisfies,
} from "../src/project/specifiers.ts";
import { type Expected, factsOf, refusalOf, startproject, type Tree, within } from "./project-folders.ts";

const hash = `--hash=sha256:${"0".repeat(64)}`;

describe("one requirement", () => {
  test.each<[text: string, name: string | undefined, specifier?: string]>([
    ["django", "django", ""],
    ["Django", "django", ""],
    ["DJANGO==4.2", "django", "==4.2"],
    ["Django_Extensions", "django-extensions", ""],
    ["zope.interface==5", "zope-interface", "==5"],
    ["django>=4.2,<5", "django", ">=4.2,<5"],
    ["django >= 4.2, < 5", "django", ">=4.2,<5"],
    ["django (>=4.2)", "django", ">=4.2"],
    ["django~=4.2.0", "django", "~=4.2.0"],
    ["django===4.2", "django", "===4.2"],
    ["django!=4.2.1", "django", "!=4.2.1"],
    ["django==4.2.*", "django", "==4.2.*"],
    ["pytz==2013b", "pytz", "==2013b"],
    ["celery[redis,sqs]==5.2.7", "celery", "==5.2.7"],
    ["psycopg[binary] >=3.1", "psycopg", ">=3.1"],
    ["django>=4 ; python_version > '3.8'", "django", ">=4"],
    ["django>=4;python_version<'3.10' or platform_system=='Linux'", "django", ">=4"],
    ["uWSGI;platform_system!='Windows'", "uwsgi", ""],
    ["pywin32; sys_platform == 'win32'", undefined],
    ['colorama ; platform_system == "Windows"', undefined],
    ["x; os_name == 'nt'", undefined],
    ["x; sys_platform == 'win32' or sys_platform == 'linux'", "x", ""],
    ["orders @ git+https://git.example/orders.git", "orders", ""],
    ["orders @ git+ssh://git@git.example/orders.git@v1 ; python_version > '3'", "orders", ""],
    ["orders[extra] @ https://host.example/orders-1.0.zip", "orders", ""],
    ["orders@https://host.example/orders.whl", "orders", ""],
    ["git+https://git.example/orders.git@v1#egg=Orders_App", "orders-app", ""],
    ["git+https://git.example/orders.git#subdirectory=a&egg=orders", "orders", ""],
    ["https://host.example/orders-1.0.tar.gz", undefined],
    ["./libs/orders", undefined],
    [".", undefined],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: pip's own variables
    ["orders==${VERSION}", "orders", ""],
    ["django>=4.2,<5,", "django", ">=4.2,<5"],
    ["'quoted'", undefined],
  ])("%s is %s %s", async (text, name, specifier) => {
    const requirement = await parseRequirement(text);
    expect([requirement?.name, requirement?.specifier]).toEqual([
      name,
      name === undefined ? undefined : specifier,
    ]);
  });

  test("extras are kept", async () => {
    expect((await parseRequirement("celery[redis, sqs]==5"))?.extras).toEqual(["redis", "sqs"]);
  });
});

test.each([
  ["Django", "django"],
  ["django_rq", "django-rq"],
  ["ruamel.yaml", "ruamel-yaml"],
  ["a__b--c..d", "a-b-c-d"],
])("the normalised name of %s is %s", (name, normalised) => expect(normalise(name)).toBe(normalised));

test.each([
  ["x ; sys_platform=='win32'", true],
  ["x ; sys_platform=='win32' and python_version<'3.9'", true],
  ["x ; sys_platform!='win32'", false],
  ["x", false],
])("%s is for Windows alone: %s", (text, expected) => expect(isForWindows(text)).toBe(expected));

describe("requirements in a file", () => {
  test.each<[rule: string, text: string, lines: string[]]>([
    [
      "options are none",
      "--pre\n-i https://pypi.example\n--find-links=./w\n--no-binary :all:\n--trusted-host x\n",
      [],
    ],
    ["nested files are none", "-r base.txt\n-c limits.txt\n--requirement=other.txt\n", []],
    ["hashes are cut off", `x==1 ${hash} ${hash}\n`, ["1 x==1"]],
    ["hashes on continued lines", `x==1 \\\n    ${hash} \\\n    ${hash}\ny==2\n`, ["1 x==1", "4 y==2"]],
    ["comments are cut off", "# all\nx==1 # one\n  # more\ny\n", ["2 x==1", "4 y"]],
    [
      "a fragment is no comment",
      "git+https://git.example/x.git#egg=x\n",
      ["1 git+https://git.example/x.git#egg=x"],
    ],
    ["editable ones", "-e git+https://git.example/x.git#egg=x\n", ["1 git+https://git.example/x.git#egg=x"]],
    ["options of one requirement", 'x==1 --config-settings="a=b" --global-option=c\n', ["1 x==1"]],
    ["an empty file", "", []],
    ["UTF-16 of a shell on Windows", "\ufeffx\0=\0=\x001\0\r\0\n", ["1 x==1"]],
  ])("%s", (_, text, lines) => {
    expect(parseRequirements(text).requirements.map(({ line, text: bare }) => `${line} ${bare}`)).toEqual(
      lines,
    );
  });
});

describe("Poetry's constraints", () => {
  test.each([
    ["^3.10", [">=3.10,<4"]],
    ["^3.10.4", [">=3.10.4,<4"]],
    ["^0.2.3", [">=0.2.3,<0.3"]],
    ["^0.0.3", [">=0.0.3,<0.0.4"]],
    ["~3.10", [">=3.10,<3.11"]],
    ["~3.10.4", [">=3.10.4,<3.11"]],
    ["~3", [">=3,<4"]],
    ["3.11", ["==3.11"]],
    ["3.11.*", ["==3.11.*"]],
    ["*", [""]],
    [">=3.9,<3.13", [">=3.9,<3.13"]],
    [">=3.9 <3.13", [">=3.9,<3.13"]],
    ["~=3.9", ["~=3.9"]],
    ["^3.8 || ^4.0", [">=3.8,<4", ">=4.0,<5"]],
    ["!=3.9.1,>=3.9", ["!=3.9.1,>=3.9"]],
  ])("%s is %s", (constraint, specifiers) => expect(fromPoetry(constraint)).toEqual(specifiers));

  test.each([
    ["3.12.0", ">=3.10,<4", true],
    ["4.2", "==4.2.*", true],
    ["5.0", "<5", false],
    ["5.0a1", ">=4", true],
    ["1", "nonsense", true],
    ["1", "", true],
  ])("%s satisfies %j: %s", async (version, specifier, expected) => {
    expect(await satisfies(version, specifier)).toBe(expected);
  });
});

type Row = [rule: string, tree: Tree, expected: Expected];
const check = async (_: string, tree: Tree, expected: Expected): Promise<void> =>
  expect(await factsOf(startproject(tree), expected)).toEqual(expected);

const project = (dependencies: string[], more = ""): string =>
  `[project]\nname = "shop"\nversion = "1"\ndependencies = ${JSON.stringify(dependencies)}\n${more}`;
const lock = (...packages: string[]): string =>
  packages
    .map((item) => `[[package]]\nname = "${item.split("==")[0]}"\nversion = "${item.split("==")[1]}"\n`)
    .join("\n");
const poetry = (lines: string): string =>
  `[tool.poetry]\nname = "shop"\n\n[tool.poetry.dependencies]\npython = "^3.11"\n${lines}\n`;

describe("dependencies", () => {
  test.each<Row>([
    [
      "none at all",
      {},
      {
        manager: "pip @ default",
        dependencies: " @ default",
        testDependencies: " @ default",
        pythonPackages: "",
      },
    ],
    [
      "requirements.txt",
      { "requirements.txt": "# all\nDjango==4.2\n" },
      {
        manager: "pip @ requirements.txt",
        dependencies: "requirements.txt @ requirements.txt",
        pythonPackages: "django===4.2 @ requirements.txt:2",
      },
    ],
    [
      "only an include",
      {
        "requirements.txt": "-r requirements/production.txt\n",
        "requirements/production.txt": "-r base.txt\ngunicorn\n",
        "requirements/base.txt": "django\n",
      },
      {
        dependencies: "requirements.txt",
        pythonPackages: "gunicorn= @ requirements/production.txt:2, django= @ requirements/base.txt:1",
      },
    ],
    [
      "only an include of those for development",
      {
        "requirements.txt": "-r requirements/dev.txt\n",
        "requirements/dev.txt": "-r base.txt\npytest\n",
        "requirements/base.txt": "django\n",
      },
      { dependencies: "requirements/base.txt", testDependencies: "requirements/dev.txt" },
    ],
    [
      "only an include of those for development, and no others",
      { "requirements.txt": "-r requirements/dev.txt\n", "requirements/dev.txt": "django\n" },
      { dependencies: "requirements.txt", testDependencies: "" },
    ],
    [
      "files that include each other",
      { "requirements.txt": "-r a.txt\ndjango\n", "a.txt": "-r requirements.txt\nx\n" },
      { pythonPackages: "django=, x=" },
    ],
    [
      "an include that is missing",
      { "requirements.txt": "-r gone.txt\ndjango\n" },
      { pythonPackages: "django=" },
    ],
    [
      "constraints declare nothing",
      { "requirements.txt": "-c limits.txt\ndjango\n", "limits.txt": "mysqlclient==1\n" },
      { pythonPackages: "django=" },
    ],
    [
      "requirements/production.txt",
      {
        "requirements/base.txt": "django\n",
        "requirements/production.txt": "-r base.txt\n",
        "requirements/local.txt": "-r base.txt\npytest\n",
      },
      { dependencies: "requirements/production.txt", testDependencies: "requirements/local.txt" },
    ],
    [
      "requirements/base.txt",
      { "requirements/base.txt": "django\n", "requirements/test.txt": "-r base.txt\n" },
      { dependencies: "requirements/base.txt", testDependencies: "requirements/test.txt" },
    ],
    [
      "requirements-prod.txt",
      { "requirements-prod.txt": "django\n" },
      { dependencies: "requirements-prod.txt" },
    ],
    [
      "a file of another name that names Django",
      {
        "requirements/project-requirements.txt": "django\n",
        "requirements/test-requirements.txt": "pytest\n",
      },
      {
        dependencies: "requirements/project-requirements.txt",
        testDependencies: "requirements/test-requirements.txt",
      },
    ],
    [
      "one folder down",
      { "deploy/requirements.txt": "Django\n" },
      { dependencies: "deploy/requirements.txt", manager: "pip" },
    ],
    [
      "one folder down, not those without Django",
      { "docs/requirements.txt": "sphinx\n", "backend/requirements.txt": "django\n" },
      { dependencies: "backend/requirements.txt" },
    ],
    ["one folder down, not in .venv", { ".venv/requirements.txt": "django\n" }, { dependencies: "" }],
    [
      "beside the top's pyproject.toml of tools",
      { "pyproject.toml": "[tool.ruff]\nline-length = 100\n", "requirements.txt": "django\n" },
      { manager: "pip", dependencies: "requirements.txt" },
    ],
    [
      "uv",
      { "pyproject.toml": project(["django>=4.2"]), "uv.lock": lock("django==4.2.1") },
      {
        manager: "uv @ uv.lock",
        dependencies: "uv.lock",
        pythonPackages: "django=>=4.2 @ pyproject.toml:4",
        django: "4.2.1 @ uv.lock",
      },
    ],
    [
      "uv beside an exported requirements.txt",
      {
        "pyproject.toml": project(["django"]),
        "uv.lock": lock("django==4.2.1"),
        "requirements.txt": "django==4.2.1\n",
      },
      { manager: "uv" },
    ],
    [
      "a uv.lock of tools beside requirements.txt",
      {
        "pyproject.toml": project([], '[dependency-groups]\ndev = ["ruff"]\n'),
        "uv.lock": lock("ruff==1"),
        "requirements.txt": "django\n",
      },
      { manager: "pip", dependencies: "requirements.txt" },
    ],
    [
      "[tool.uv] without a lock file",
      { "pyproject.toml": project(["django"], "[tool.uv]\npackage = false\n") },
      { manager: "uv @ pyproject.toml", dependencies: "pyproject.toml" },
    ],
    [
      "dependency-groups",
      {
        "pyproject.toml": project(
          ["django"],
          '[dependency-groups]\ndev = ["pytest-django"]\ndocs = ["sphinx"]\n',
        ),
        "uv.lock": lock("django==4.2", "pytest-django==4", "sphinx==7"),
      },
      { testDependencies: "group:dev @ pyproject.toml:6", testRunner: "pytest" },
    ],
    [
      "a group for tests before one for development",
      {
        "pyproject.toml": project(
          ["django"],
          '[dependency-groups]\ndev = ["ipython"]\ntest = ["pytest-django"]\n',
        ),
      },
      { testDependencies: "group:test" },
    ],
    [
      "a group that includes another",
      {
        "pyproject.toml": project(
          ["django"],
          '[dependency-groups]\ntest = ["pytest-django"]\ndev = ["ruff", {include-group = "test"}]\n',
        ),
      },
      { testDependencies: "group:test", pythonPackages: "django=, pytest-django=" },
    ],
    [
      "groups that include each other",
      {
        "pyproject.toml": project(
          ["django"],
          '[dependency-groups]\na = [{include-group = "dev"}]\ndev = ["ruff", {include-group = "a"}]\n',
        ),
      },
      { testDependencies: "group:dev" },
    ],
    [
      "a group for tests without pytest, and one that has it",
      {
        "pyproject.toml": project(
          ["django"],
          '[dependency-groups]\ntest = ["factory-boy"]\nqa = ["pytest-django"]\n',
        ),
      },
      { testDependencies: "group:test, group:qa" },
    ],
    [
      "a group for production",
      {
        "pyproject.toml": project(["django"], '[dependency-groups]\nprod = ["gunicorn"]\n'),
        "uv.lock": lock("django==4.2", "gunicorn==22"),
      },
      { dependencies: "uv.lock, group:prod", pythonPackages: "django=, gunicorn=" },
    ],
    [
      "an extra for production",
      {
        "pyproject.toml": project(["django"], '[project.optional-dependencies]\nproduction = ["gunicorn"]\n'),
      },
      { dependencies: "pyproject.toml, extra:production" },
    ],
    [
      "uv's older table for development",
      { "pyproject.toml": project(["django"], '[tool.uv]\ndev-dependencies = ["pytest-django"]\n') },
      { testDependencies: "group:dev", testRunner: "pytest" },
    ],
    [
      "a group alone, without a project",
      { "pyproject.toml": '[dependency-groups]\nmain = ["Django==5.2"]\ndev = ["pytest"]\n' },
      { dependencies: "group:main", testDependencies: "group:dev" },
    ],
    [
      "extras",
      {
        "pyproject.toml": project(
          ["django"],
          '[project.optional-dependencies]\ntesting = ["pytest-django"]\n',
        ),
      },
      { manager: "pip", dependencies: "pyproject.toml", testDependencies: "extra:testing" },
    ],
    [
      "Poetry 1",
      {
        "pyproject.toml": poetry(
          'django = "^4.2"\npsycopg2 = {version = "^2.9", extras = ["binary"]}\n\n[tool.poetry.dev-dependencies]\npytest-django = "*"',
        ),
        "poetry.lock": lock("django==4.2.3", "psycopg2==2.9.9", "pytest-django==4.8"),
      },
      {
        manager: "poetry @ poetry.lock",
        dependencies: "poetry.lock",
        testDependencies: "group:dev",
        pythonPackages:
          "django=>=4.2,<5 @ pyproject.toml:6, psycopg2=>=2.9,<3 @ pyproject.toml:7, pytest-django= @ pyproject.toml:10",
        python: "3.11 @ pyproject.toml:5",
      },
    ],
    [
      "Poetry 1 with groups",
      {
        "pyproject.toml": poetry(
          'django = "^4.2"\n\n[tool.poetry.group.test.dependencies]\npytest-django = "*"',
        ),
      },
      { manager: "poetry @ pyproject.toml", dependencies: "pyproject.toml", testDependencies: "group:test" },
    ],
    [
      "Poetry 2 with a project table",
      {
        "pyproject.toml": project(
          ["django (>=4.2,<5.0)"],
          '[tool.poetry]\npackage-mode = false\n\n[tool.poetry.group.dev.dependencies]\npytest = "^8"\n',
        ),
        "poetry.lock": lock("django==4.2.3", "pytest==8.1"),
      },
      {
        manager: "poetry",
        pythonPackages: "django=>=4.2,<5.0, pytest=>=8,<9",
        testDependencies: "group:dev",
      },
    ],
    [
      "Pipenv",
      {
        Pipfile:
          '[packages]\nDjango = "*"\n\n[dev-packages]\npytest-django = "*"\n\n[requires]\npython_version = "3.11"\n',
        "Pipfile.lock":
          '{"_meta": {}, "default": {"django": {"version": "==4.2.3"}}, "develop": {"pytest-django": {"version": "==4.8"}}}',
      },
      {
        manager: "pipenv @ Pipfile.lock",
        dependencies: "Pipfile.lock",
        testDependencies: "group:dev-packages",
        django: "4.2.3",
        python: "3.11 @ Pipfile:8",
      },
    ],
    [
      "Pipenv without a lock file",
      { Pipfile: '[packages]\ndjango = "~=4.2"\n' },
      { manager: "pipenv @ Pipfile", dependencies: "Pipfile", pythonPackages: "django=~=4.2 @ Pipfile:2" },
    ],
    [
      "a Pipfile of tools beside requirements.txt",
      { Pipfile: '[packages]\nflake8 = "*"\n', "requirements.txt": "django\n" },
      { manager: "pip", dependencies: "requirements.txt" },
    ],
    [
      "PDM",
      {
        "pyproject.toml": project(["django"], '[tool.pdm.dev-dependencies]\ntest = ["pytest-django"]\n'),
        "pdm.lock": lock("django==4.2", "pytest-django==4"),
      },
      { manager: "pdm @ pdm.lock", dependencies: "pdm.lock", testDependencies: "group:test" },
    ],
    [
      "pylock.toml",
      { "pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "django"\nversion = "5.2"\n' },
      {
        manager: "pip @ pylock.toml",
        dependencies: "pylock.toml",
        pythonPackages: "django===5.2",
        django: "5.2",
      },
    ],
    [
      "pylock.toml beside pyproject.toml",
      {
        "pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "django"\nversion = "5.2"\n',
        "pyproject.toml": project(["django"]),
      },
      { manager: "pip", dependencies: "pylock.toml", pythonPackages: "django=" },
    ],
    [
      "setup.cfg",
      {
        "setup.cfg":
          "[options]\npython_requires = >=3.9\ninstall_requires =\n    Django>=4\n    celery[redis]\n\n[options.extras_require]\ntest =\n    pytest-django\n",
      },
      {
        dependencies: "setup.cfg",
        testDependencies: "extra:test",
        pythonPackages: "django=>=4, celery=, pytest-django=",
      },
    ],
    [
      "setup.py",
      {
        "setup.py":
          "from setuptools import setup\nREQUIRES = ['Django>=4', 'celery']\nsetup(name='x', install_requires=REQUIRES, python_requires='>=3.9')\n",
      },
      { dependencies: "setup.py", pythonPackages: "django=>=4, celery=", python: "3.9 @ setup.py:3" },
    ],
    [
      "requirements.txt that installs the project itself",
      {
        "requirements.txt": "-e .[test]\n",
        "pyproject.toml": project(["django"], '[project.optional-dependencies]\ntest = ["pytest-django"]\n'),
      },
      { dependencies: "requirements.txt", pythonPackages: "django=, pytest-django=" },
    ],
    [
      "a path to another package",
      { "requirements.txt": "django\n./libs/orders\n", "libs/orders/pyproject.toml": project(["redis"]) },
      { pythonPackages: "django=, redis=" },
    ],
    [
      "stackline.json's files",
      {
        "requirements.txt": "django\n",
        "deploy/all.txt": "django\ngunicorn\n",
        "stackline.json": '{"dependencies": ["deploy/all.txt"]}',
      },
      { dependencies: "deploy/all.txt @ stackline.json:1", pythonPackages: "django=, gunicorn=" },
    ],
    [
      "stackline.json's group for tests",
      {
        "pyproject.toml": project(["django"], '[dependency-groups]\nqa = ["pytest-django"]\n'),
        "stackline.json": '{"testDependencies": ["group:qa"]}',
      },
      { testDependencies: "group:qa @ stackline.json:1", testRunner: "pytest" },
    ],
  ])("%s", check);

  const tests = (name: string): Row => [
    name,
    { "requirements.txt": "django\n", [name]: "pytest\n" },
    { testDependencies: `${name} @ ${name}` },
  ];
  test.each<Row>(
    [
      "requirements-dev.txt",
      "requirements-test.txt",
      "requirements_dev.txt",
      "requirements_test.txt",
      "requirements.dev.txt",
      "dev-requirements.txt",
      "test-requirements.txt",
      "dev_requirements.txt",
      "requirements-tests.txt",
      "requirements-testing.txt",
      "requirements-devel.txt",
      "requirements-local.txt",
      "requirements/dev.txt",
      "requirements/test.txt",
      "requirements/tests.txt",
      "requirements/testing.txt",
      "requirements/development.txt",
      "requirements/local.txt",
      "requirements/ci.txt",
      "requirements/requirements-dev.txt",
    ].map(tests),
  )("for tests: %s", check);

  it("lie above manage.py, for a layout with src/", async () => {
    const tree = {
      ...within("src", startproject()),
      "pyproject.toml": project(["django"]),
      "uv.lock": lock("django==4.2"),
    };
    const expected = { manager: "uv", dependencies: "uv.lock", django: "4.2" };
    expect(await factsOf(tree, expected)).toEqual(expected);
  });

  it("beside manage.py win over those above", async () => {
    const tree = {
      ...within("backend", startproject({ "requirements.txt": "django\n" })),
      "requirements.txt": "django\nmkdocs\n",
    };
    expect(await factsOf(tree, { dependencies: "" })).toEqual({ dependencies: "backend/requirements.txt" });
  });

  it("of a member of a workspace are locked at its top", async () => {
    const tree = {
      ...within("backend", startproject({ "pyproject.toml": project(["django"]) })),
      "pyproject.toml": '[tool.uv.workspace]\nmembers = ["backend"]\n',
      "uv.lock": lock("django==4.2"),
    };
    const expected = {
      manager: "uv",
      dependencies: "uv.lock",
      pythonPackages: "django= @ backend/pyproject.toml:4",
    };
    expect(await factsOf(tree, expected)).toEqual(expected);
  });
});

describe("a lock file that is out of date is refused in one line", () => {
  test.each<[rule: string, tree: Tree, message: string]>([
    [
      "uv: a package is missing",
      { "pyproject.toml": project(["django", "celery"]), "uv.lock": lock("django==4.2") },
      "uv.lock is out of date: pyproject.toml:4 asks for celery, which it does not contain: run `uv lock`",
    ],
    [
      "uv: another version",
      { "pyproject.toml": project(["django>=5"]), "uv.lock": lock("django==4.2") },
      "uv.lock is out of date: pyproject.toml:4 asks for django>=5, which its version 4.2 does not satisfy: run `uv lock`",
    ],
    [
      "uv: a group's package",
      {
        "pyproject.toml": project(["django"], '[dependency-groups]\ndev = ["pytest"]\n'),
        "uv.lock": lock("django==4.2"),
      },
      "uv.lock is out of date: pyproject.toml:6 asks for pytest, which it does not contain: run `uv lock`",
    ],
    [
      "Poetry: a package is missing",
      { "pyproject.toml": poetry('django = "^4.2"\nredis = "*"'), "poetry.lock": lock("django==4.2") },
      "poetry.lock is out of date: pyproject.toml:7 asks for redis, which it does not contain: run `poetry lock`",
    ],
    [
      "Poetry: another version",
      { "pyproject.toml": poetry('django = "^5.0"'), "poetry.lock": lock("django==4.2") },
      "poetry.lock is out of date: pyproject.toml:6 asks for django>=5.0,<6, which its version 4.2 does not satisfy: run `poetry lock`",
    ],
    [
      "PDM",
      { "pyproject.toml": project(["django", "redis"]), "pdm.lock": lock("django==4.2") },
      "pdm.lock is out of date: pyproject.toml:4 asks for redis, which it does not contain: run `pdm lock`",
    ],
    [
      "Pipenv",
      {
        Pipfile: '[packages]\ndjango = "*"\nredis = "*"\n',
        "Pipfile.lock": '{"_meta": {}, "default": {"django": {"version": "==4.2"}}}',
      },
      "Pipfile.lock is out of date: Pipfile:3 asks for redis, which it does not contain: run `pipenv lock`",
    ],
    [
      "pip-tools",
      { "requirements.in": "django\nredis\n", "requirements.txt": "django==4.2\n" },
      "requirements.txt is out of date: requirements.in:2 asks for redis, which it does not contain: run `pip-compile requirements.in`",
    ],
  ])("%s", async (_, tree, message) => expect(await refusalOf(startproject(tree))).toBe(message));

  test.each<[rule: string, tree: Tree]>([
    [
      "names of other spelling",
      {
        "pyproject.toml": project(["Django_Redis", "Django"]),
        "uv.lock": lock("django-redis==5", "django==4.2"),
      },
    ],
    [
      "several versions, for different platforms",
      {
        "pyproject.toml": project(["django", "numpy>=2"]),
        "uv.lock": lock("django==4.2", "numpy==1.26", "numpy==2.1"),
      },
    ],
    ["a pre-release", { "pyproject.toml": project(["django>=6.0a1"]), "uv.lock": lock("django==6.0a1") }],
    [
      "a package for Windows alone",
      {
        "pyproject.toml": project(["django", "pywin32; sys_platform == 'win32'"]),
        "uv.lock": lock("django==4.2"),
      },
    ],
    [
      "a package of Git",
      {
        "pyproject.toml": project(["django", "x @ git+https://git.example/x.git"]),
        "uv.lock": lock("django==4.2", "x==0.1"),
      },
    ],
    [
      "Poetry's several constraints",
      {
        "pyproject.toml": poetry(
          'django = "^4.2"\nnumpy = [{version = "1.26", python = "<3.12"}, {version = "^2", python = ">=3.12"}]',
        ),
        "poetry.lock": lock("django==4.2", "numpy==1.26"),
      },
    ],
    [
      "a lock file without versions",
      {
        Pipfile: '[packages]\ndjango = "*"\n',
        "Pipfile.lock": '{"_meta": {}, "default": {"django": {"git": "x"}}}',
      },
    ],
    ["requirements.txt without requirements.in", { "requirements.txt": "django\n" }],
  ])("not: %s", async (_, tree) => expect(await refusalOf(startproject(tree))).toBeUndefined());
});

describe("a file that cannot be parsed is refused with file and line", () => {
  test.each<[file: string, text: string, message: RegExp]>([
    ["pyproject.toml", "[project]\nname = shop\n", /^pyproject\.toml:2: not valid TOML: /],
    ["Pipfile", "[packages\n", /^Pipfile:1: not valid TOML: /],
    ["uv.lock", "<<<<<<< HEAD\n", /^uv\.lock:1: not valid TOML: /],
    ["Pipfile.lock", "{", /^Pipfile\.lock: not valid JSON: /],
    ["Pipfile.lock", "[]", /^Pipfile\.lock: must contain one JSON object$/],
  ])("%s", async (file, text, message) => {
    const added: Tree = file === "uv.lock" ? { "pyproject.toml": project(["django"]) } : {};
    const other: Tree = file === "Pipfile.lock" ? { Pipfile: '[packages]\ndjango = "*"\n' } : {};
    const refusal = await refusalOf(startproject({ ...added, ...other, [file]: text }));
    expect(refusal).toMatch(message);
    expect(refusal).not.toContain("\n");
  });
});
