import { describe, expect, it, test } from "vitest";
import { ownPaths } from "../src/project/folder.ts";
import {
  detectIn,
  type Expected,
  entry,
  factsOf,
  manage,
  refusalOf,
  startproject,
  type Tree,
  within,
} from "./project-folders.ts";

type Row = [rule: string, tree: Tree, expected: Expected];

const check = async (_: string, tree: Tree, expected: Expected): Promise<void> =>
  expect(await factsOf(tree, expected)).toEqual(expected);

describe("manage.py", () => {
  test.each<Row>([
    ["at the top", startproject(), { manage: "manage.py" }],
    ["in src/", within("src", startproject()), { manage: "src/manage.py", settings: "mysite.settings" }],
    ["one folder down", within("backend", startproject()), { manage: "backend/manage.py" }],
    ["two folders down", within("services/api", startproject()), { manage: "services/api/manage.py" }],
    [
      "the top wins over an example",
      { ...startproject(), ...within("example", startproject()) },
      { manage: "manage.py" },
    ],
    [
      "src/ wins over its neighbours",
      { ...within("src", startproject()), ...within("admin", startproject()) },
      { manage: "src/manage.py" },
    ],
    [
      "that of tests does not count beside another",
      { ...within("tests", startproject()), ...within("web", startproject()) },
      { manage: "web/manage.py" },
    ],
    [
      "that of an example does not count beside another",
      { ...within("example", startproject()), ...within("web", startproject()) },
      { manage: "web/manage.py" },
    ],
    [
      "that of docs does not count beside another",
      { ...within("docs", startproject()), ...within("a/b", startproject()) },
      { manage: "a/b/manage.py" },
    ],
    ["the only one may be in a sandbox", within("sandbox", startproject()), { manage: "sandbox/manage.py" }],
    ["the only one may be in tests", within("tests", startproject()), { manage: "tests/manage.py" }],
    [
      "not in a virtual environment",
      { ...within("app", startproject()), "venv/lib/manage.py": manage("x.y") },
      { manage: "app/manage.py" },
    ],
    [
      "not in node_modules",
      { ...within("web/app", startproject()), "node_modules/x/manage.py": manage("x.y") },
      { manage: "web/app/manage.py" },
    ],
    [
      "not in site-packages",
      { ...within("a/b/c/d", startproject()), "env/lib/python3.11/site-packages/manage.py": manage("x.y") },
      { manage: "a/b/c/d/manage.py" },
    ],
    [
      "not Flask's",
      { ...within("web/site", startproject()), "api/manage.py": "from flask_script import Manager\n" },
      { manage: "web/site/manage.py" },
    ],
    [
      "one that starts Django from a module of the project",
      {
        "manage.py": "from shop import manage\nmanage()\n",
        "shop/settings.py": "",
        "shop/wsgi.py": entry("wsgi", "shop.settings"),
      },
      { manage: "manage.py", settings: "shop.settings" },
    ],
  ])("%s", check);

  it.each<[rule: string, tree: Tree, message: RegExp]>([
    ["none", { "README.md": "" }, /^no manage\.py in this folder or below: .*--app$/],
    ["no file at all", {}, /^no manage\.py/],
    [
      "Flask's alone",
      { "manage.py": "from flask_script import Manager\n" },
      /^manage\.py does not start Django/,
    ],
    [
      "a template",
      { "{{cookiecutter.slug}}/manage.py": manage("config.settings.local") },
      /\{\{cookiecutter\.slug\}\} is a template/,
    ],
    [
      "two, equally near",
      { ...within("a", startproject()), ...within("b", startproject()) },
      /^several manage\.py: a\/manage\.py, b\/manage\.py: .*\{"manage":"a\/manage\.py"\}$/,
    ],
  ])("refuses %s in one line", async (_, tree, message) => {
    const refusal = await refusalOf(tree);
    expect(refusal).toMatch(message);
    expect(refusal).not.toContain("\n");
  });

  it("of two is chosen by stackline.json", async () => {
    const tree = {
      ...within("a", startproject()),
      ...within("b", startproject()),
      "stackline.json": '{"manage": "b/manage.py"}',
    };
    await check("", tree, { manage: "b/manage.py @ stackline.json:1", wsgi: "mysite.wsgi:application" });
  });
});

describe("foreign paths", () => {
  test.each([
    [".venv/lib/python3.11/site-packages/rest_framework/settings.py", false],
    ["venv/x.py", false],
    ["env/lib/x.py", true],
    ["node_modules/a/package.json", false],
    ["frontend/node_modules/a/package.json", false],
    ["lib/python3.11/site-packages/x.py", false],
    [".tox/py311/x.py", false],
    ["mysite/__pycache__/x.py", false],
    ["myenv/pyvenv.cfg", false],
    ["myenv/lib/x.py", false],
    ["venv.py", true],
    ["node_modules.md", true],
    ["shop/venv_tools/x.py", true],
    [".env.example", true],
    [".github/workflows/ci.yml", true],
    ["apps/environment/models.py", true],
  ])("%s belongs to the project: %s", (path, own) => {
    expect(ownPaths([path, "myenv/pyvenv.cfg"]).includes(path)).toBe(own);
  });
});

const settingsPackage = (named: string, production = named): Tree => ({
  "manage.py": manage(named),
  "config/__init__.py": "",
  "config/settings/__init__.py": "",
  "config/settings/base.py": "WSGI_APPLICATION = 'config.wsgi.application'\n",
  "config/settings/local.py": "from .base import *\n",
  "config/settings/dev.py": "from .base import *\n",
  "config/settings/production.py": "from .base import *\n",
  "config/settings/test.py": "from .base import *\n",
  "config/wsgi.py": entry("wsgi", production),
});
const withManage = (lines: string, added: Tree = {}): Tree => ({
  ...settingsPackage("x.y"),
  "manage.py": `import os, sys\n${lines}\nfrom django.core.management import execute_from_command_line\n`,
  ...added,
});
const set = (value: string): string => `os.environ.setdefault("DJANGO_SETTINGS_MODULE", ${value})`;

describe("settings", () => {
  test.each<Row>([
    [
      "those of manage.py",
      startproject(),
      { settings: "mysite.settings @ manage.py:9", testSettings: "mysite.settings @ manage.py:9" },
    ],
    [
      "single quotes",
      withManage(set("'config.settings.dev'")),
      { settings: "config.settings.dev @ manage.py:2" },
    ],
    ["double quotes", withManage(set('"config.settings.dev"')), { settings: "config.settings.dev" }],
    ["triple quotes", withManage(set('"""config.settings.dev"""')), { settings: "config.settings.dev" }],
    ["a text in two parts", withManage(set('"config." "settings.dev"')), { settings: "config.settings.dev" }],
    [
      "over several lines",
      withManage('os.environ.setdefault(\n    "DJANGO_SETTINGS_MODULE",\n    "config.settings.dev",\n)'),
      { settings: "config.settings.dev @ manage.py:4" },
    ],
    [
      "an assignment",
      withManage("os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings.dev'"),
      { settings: "config.settings.dev" },
    ],
    [
      "a variable",
      withManage(`module = 'config.settings.dev'\n${set("module")}`),
      { settings: "config.settings.dev" },
    ],
    [
      "a default of environ.get",
      withManage(set("os.environ.get('SETTINGS', 'config.settings.dev')")),
      { settings: "config.settings.dev" },
    ],
    [
      "a default of getenv",
      withManage("m = os.getenv('DJANGO_SETTINGS_MODULE', 'config.settings.dev')"),
      { settings: "config.settings.dev" },
    ],
    [
      "a default of decouple",
      withManage(set("config('DJANGO_SETTINGS_MODULE', default='config.settings.dev')")),
      { settings: "config.settings.dev" },
    ],
    [
      "update",
      withManage("os.environ.update({'DJANGO_SETTINGS_MODULE': 'config.settings.dev'})"),
      { settings: "config.settings.dev" },
    ],
    [
      "not in a comment",
      withManage(`# ${set("'config.settings.test'")}\n${set("'config.settings.dev'")}`),
      { settings: "config.settings.dev" },
    ],
    [
      "not in a docstring",
      withManage(`"""${"DJANGO_SETTINGS_MODULE = config.settings.test"}"""\n${set("'config.settings.dev'")}`),
      { settings: "config.settings.dev" },
    ],
    [
      "a condition: tests apart",
      withManage(
        `if 'test' in sys.argv:\n    ${set("'config.settings.test'")}\nelse:\n    ${set("'config.settings.dev'")}`,
      ),
      { settings: "config.settings.dev", testSettings: "config.settings.test @ manage.py:3" },
    ],
    [
      "a conditional expression",
      withManage(set("'config.settings.test' if 'test' in sys.argv else 'config.settings.dev'")),
      { settings: "config.settings.dev", testSettings: "config.settings.test" },
    ],
    [
      "an f-string: the first known module",
      withManage(set(`f"config.settings.{os.environ.get('ENV')}"`)),
      { settings: "config.settings.local" },
    ],
    ["a format", withManage(set('"config.settings.%s" % env')), { settings: "config.settings.local" }],
    ["a sum", withManage(set('"config.settings." + env')), { settings: "config.settings.local" }],
    [
      "what does not exist, if nothing else is named",
      withManage(set("'config.settings.mine'")),
      { settings: "config.settings.mine" },
    ],
    [
      "none in manage.py: those of wsgi.py, as a guess",
      { ...startproject(), "manage.py": "from django.core.management import execute_from_command_line\n" },
      { settings: "mysite.settings @ mysite/asgi.py:5" },
    ],
    [
      "none anywhere: the only settings",
      { "manage.py": "import django\n", "shop/settings.py": "" },
      { settings: "shop.settings @ shop/settings.py" },
    ],
    [
      "none anywhere: not those of tests",
      { "manage.py": "import django\n", "shop/settings.py": "", "tests/settings.py": "" },
      { settings: "shop.settings" },
    ],
    [
      "none anywhere: not those in .venv",
      {
        "manage.py": "import django\n",
        "a/b/settings.py": "",
        ".venv/lib/settings.py": "",
        "node_modules/settings.py": "",
      },
      { settings: "a.b.settings" },
    ],
    [
      "manage.py at the top, the package in src/",
      {
        "manage.py": manage("shop.settings"),
        "src/shop/settings.py": "WSGI_APPLICATION = 'shop.wsgi.application'\n",
        "src/shop/wsgi.py": entry("wsgi", "shop.settings"),
      },
      { settings: "shop.settings", wsgi: "shop.wsgi:application @ src/shop/settings.py:1" },
    ],
    [
      "a folder that manage.py adds to the path",
      {
        "manage.py": manage("shop.settings"),
        "python/apps/shop/settings.py": "WSGI_APPLICATION = 'shop.wsgi.application'\n",
        "python/apps/shop/wsgi.py": "",
      },
      { wsgi: "shop.wsgi:application" },
    ],
    [
      "settings at the top",
      { "manage.py": manage("settings"), "settings.py": "", "wsgi.py": entry("wsgi", "settings") },
      { settings: "settings", wsgi: "wsgi:application" },
    ],
    [
      "with Windows' line ends",
      { ...startproject(), "manage.py": manage("mysite.settings").replaceAll("\n", "\r\n") },
      { settings: "mysite.settings @ manage.py:9" },
    ],
    [
      "broken Python in other places",
      withManage(`def f(:\n  pass\n${set("'config.settings.dev'")}`),
      { settings: "config.settings.dev" },
    ],
    [
      "Python 2's print",
      withManage(`print "hello"\n${set("'config.settings.dev'")}`),
      { settings: "config.settings.dev" },
    ],
  ])("%s", check);

  test.each<Row>([
    [
      "those of wsgi.py",
      settingsPackage("config.settings.local", "config.settings.production"),
      {
        settings: "config.settings.local",
        productionSettings: "config.settings.production @ config/wsgi.py:5",
      },
    ],
    [
      "those of manage.py without wsgi.py",
      { "manage.py": manage("shop.settings"), "shop/settings.py": "" },
      { productionSettings: "shop.settings @ manage.py:9" },
    ],
    [
      "those of asgi.py where it is alone",
      {
        "manage.py": manage("shop.dev"),
        "shop/dev.py": "",
        "shop/live.py": "",
        "shop/asgi.py": entry("asgi", "shop.live"),
      },
      { productionSettings: "shop.live @ shop/asgi.py:5" },
    ],
    [
      "the neighbour of those for development",
      settingsPackage("config.settings.dev"),
      {
        settings: "config.settings.dev",
        productionSettings: "config.settings.production @ config/settings/production.py",
      },
    ],
    [
      "those for development if there are no others",
      {
        "manage.py": manage("shop.settings.dev"),
        "shop/settings/dev.py": "",
        "shop/wsgi.py": entry("wsgi", "shop.settings.dev"),
      },
      { productionSettings: "shop.settings.dev @ shop/wsgi.py:5" },
    ],
    [
      "those of a Dockerfile",
      {
        ...settingsPackage("config.settings.dev"),
        Dockerfile: "FROM python:3.12\nENV DJANGO_SETTINGS_MODULE=config.settings.production PORT=8000\n",
      },
      { productionSettings: "config.settings.production @ Dockerfile:2" },
    ],
    [
      "not those for development of a Dockerfile",
      {
        ...settingsPackage("config.settings.dev", "config.settings.production"),
        Dockerfile: "FROM python:3.12\nENV DJANGO_SETTINGS_MODULE config.settings.local\n",
      },
      { productionSettings: "config.settings.production @ config/wsgi.py:5" },
    ],
    [
      "those of a Dockerfile's ENV of several lines",
      {
        ...settingsPackage("config.settings.dev"),
        Dockerfile:
          "FROM python:3.12\nENV PORT=8000 \\\n    DJANGO_SETTINGS_MODULE=config.settings.production\n",
      },
      { productionSettings: "config.settings.production @ Dockerfile:3" },
    ],
    [
      "not those of one command in a Dockerfile",
      {
        ...startproject({ "mysite/static.py": "" }),
        Dockerfile:
          "FROM python:3.12\nRUN DJANGO_SETTINGS_MODULE=mysite.static python manage.py collectstatic\n",
      },
      { productionSettings: "mysite.settings @ mysite/wsgi.py:5" },
    ],
    [
      "not a comment of a Dockerfile",
      { ...startproject(), Dockerfile: "FROM python:3.12\n# ENV DJANGO_SETTINGS_MODULE=mysite.settings\n" },
      { productionSettings: "mysite.settings @ mysite/wsgi.py:5" },
    ],
  ])("in production: %s", check);

  const pytest = (added: Tree): Tree => ({
    ...settingsPackage("config.settings.local"),
    "requirements.txt": "django\npytest-django\n",
    ...added,
  });
  test.each<Row>([
    [
      "pytest.ini",
      pytest({ "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = config.settings.test\n" }),
      { testSettings: "config.settings.test @ pytest.ini:2" },
    ],
    [
      "pytest.ini with --ds",
      pytest({ "pytest.ini": "[pytest]\naddopts = --ds=config.settings.test --reuse-db\n" }),
      { testSettings: "config.settings.test @ pytest.ini:2" },
    ],
    [
      "--ds on a continued line",
      pytest({ "pytest.ini": "[pytest]\naddopts =\n    --reuse-db\n    --ds config.settings.test\n" }),
      { testSettings: "config.settings.test" },
    ],
    [
      "--ds before DJANGO_SETTINGS_MODULE",
      pytest({
        "pytest.ini":
          "[pytest]\nDJANGO_SETTINGS_MODULE=config.settings.dev\naddopts=--ds=config.settings.test\n",
      }),
      { testSettings: "config.settings.test" },
    ],
    [
      "pyproject.toml",
      pytest({
        "pyproject.toml": '[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = "config.settings.test"\n',
      }),
      { testSettings: "config.settings.test @ pyproject.toml:2" },
    ],
    [
      "pyproject.toml, addopts as a list",
      pytest({
        "pyproject.toml":
          '[tool.pytest.ini_options]\naddopts = ["--ds=config.settings.test", "--reuse-db"]\n',
      }),
      { testSettings: "config.settings.test" },
    ],
    [
      "pyproject.toml, the native table",
      pytest({ "pyproject.toml": '[tool.pytest]\nDJANGO_SETTINGS_MODULE = "config.settings.test"\n' }),
      { testSettings: "config.settings.test" },
    ],
    [
      "setup.cfg",
      pytest({ "setup.cfg": "[tool:pytest]\nDJANGO_SETTINGS_MODULE = config.settings.test\n" }),
      { testSettings: "config.settings.test @ setup.cfg:2" },
    ],
    [
      "tox.ini",
      pytest({
        "tox.ini": "[tox]\nenvlist = py311\n\n[pytest]\nDJANGO_SETTINGS_MODULE = config.settings.test\n",
      }),
      { testSettings: "config.settings.test @ tox.ini:5" },
    ],
    [
      "pytest.ini wins over pyproject.toml",
      pytest({
        "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE=config.settings.test\n",
        "pyproject.toml": '[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = "config.settings.dev"\n',
      }),
      { testSettings: "config.settings.test" },
    ],
    [
      "pytest-env",
      pytest({ "pytest.ini": "[pytest]\nenv =\n    D:DJANGO_SETTINGS_MODULE=config.settings.test\n" }),
      { testSettings: "config.settings.test" },
    ],
    [
      "conftest.py",
      pytest({ "conftest.py": 'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"\n' }),
      { testSettings: "config.settings.test @ conftest.py:2" },
    ],
    [
      "none: those of manage.py, with a remark on those for tests beside them",
      pytest({ "pytest.ini": "[pytest]\npython_files = test_*.py\n" }),
      {
        testSettings: "config.settings.local @ manage.py:9",
        notes:
          'tests use config.settings.local (manage.py): for config/settings/test.py write {"testSettings": "config.settings.test"} into stackline.json',
      },
    ],
    [
      "manage.py test ignores pytest's",
      {
        ...settingsPackage("config.settings.local"),
        "stackline.json": '{"testRunner": "django"}',
        "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE=config.settings.test\n",
      },
      { testSettings: "config.settings.local @ manage.py:9" },
    ],
    [
      "the configuration lies above manage.py",
      {
        ...within("src", settingsPackage("config.settings.local")),
        "requirements.txt": "django\npytest-django\n",
        "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE=config.settings.test\n",
      },
      { testSettings: "config.settings.test @ pytest.ini:2" },
    ],
  ])("for tests: %s", check);
});

const application = (settings: string, added: Tree = {}): Tree => ({
  "manage.py": manage("mysite.settings"),
  "mysite/settings.py": settings,
  "mysite/wsgi.py": entry("wsgi", "mysite.settings"),
  ...added,
});

describe("WSGI and ASGI", () => {
  test.each<Row>([
    [
      "single quotes",
      application("WSGI_APPLICATION = 'mysite.wsgi.application'\n"),
      { wsgi: "mysite.wsgi:application @ mysite/settings.py:1" },
    ],
    [
      "double quotes",
      application('WSGI_APPLICATION = "mysite.wsgi.application"\n'),
      { wsgi: "mysite.wsgi:application @ mysite/settings.py:1" },
    ],
    [
      "an annotated assignment",
      application('WSGI_APPLICATION: str = "mysite.wsgi.application"\n'),
      { wsgi: "mysite.wsgi:application @ mysite/settings.py:1" },
    ],
    [
      "in a file that the settings import",
      { ...settingsPackage("config.settings.dev") },
      { wsgi: "config.wsgi:application @ config/settings/base.py:1" },
    ],
    [
      "in an absolute import",
      application("from mysite.conf.base import *\n", {
        "mysite/conf/base.py": "\nWSGI_APPLICATION = 'mysite.wsgi.application'\n",
      }),
      { wsgi: "mysite.wsgi:application @ mysite/conf/base.py:2" },
    ],
    [
      "in an import of the folder above",
      {
        "manage.py": manage("mysite.settings.env.dev"),
        "mysite/settings/env/dev.py": "from ..base import *\n",
        "mysite/settings/base.py": "WSGI_APPLICATION = 'mysite.wsgi.application'\n",
        "mysite/wsgi.py": "",
      },
      { wsgi: "mysite.wsgi:application @ mysite/settings/base.py:1" },
    ],
    [
      "in __init__.py of the settings",
      {
        "manage.py": manage("mysite.settings"),
        "mysite/settings/__init__.py": "from .base import *\n",
        "mysite/settings/base.py": "WSGI_APPLICATION = 'mysite.wsgi.application'\n",
        "mysite/wsgi.py": "",
      },
      { wsgi: "mysite.wsgi:application @ mysite/settings/base.py:1" },
    ],
    [
      "in a component of django-split-settings",
      application(
        'from split_settings.tools import include, optional\ninclude("components/base.py", optional("local.py"))\n',
        { "mysite/components/base.py": "WSGI_APPLICATION = 'mysite.wsgi.application'\n" },
      ),
      { wsgi: "mysite.wsgi:application @ mysite/components/base.py:1" },
    ],
    [
      "in components by pattern",
      application('include("components/*.py")\n', {
        "mysite/components/common.py": "WSGI_APPLICATION = 'mysite.wsgi.application'\n",
      }),
      { wsgi: "mysite.wsgi:application @ mysite/components/common.py:1" },
    ],
    [
      "settings that import each other",
      application("from .other_settings import *\n", {
        "mysite/other_settings.py": "from .settings import *\n",
      }),
      { wsgi: "mysite.wsgi:application" },
    ],
    [
      "none in the settings: the file beside them",
      application(""),
      { wsgi: "mysite.wsgi:application @ mysite/wsgi.py" },
    ],
    [
      "a module that does not exist: the file",
      application("WSGI_APPLICATION = 'old.wsgi.application'\n"),
      { wsgi: "mysite.wsgi:application @ mysite/wsgi.py" },
    ],
    [
      "in a comment: the file",
      application("# WSGI_APPLICATION = 'other.wsgi.application'\n"),
      { wsgi: "mysite.wsgi:application @ mysite/wsgi.py" },
    ],
    [
      "a package named wsgi",
      {
        "manage.py": manage("mysite.settings"),
        "mysite/settings.py": "",
        "mysite/wsgi/__init__.py": entry("wsgi", "mysite.settings"),
      },
      { wsgi: "mysite.wsgi:application @ mysite/wsgi/__init__.py" },
    ],
    [
      "an object of another name",
      application("", {
        "mysite/wsgi.py": "from django.core.wsgi import get_wsgi_application\napp = get_wsgi_application()\n",
      }),
      { wsgi: "mysite.wsgi:app" },
    ],
    [
      "in another package than the settings",
      {
        "manage.py": manage("settings.main"),
        "settings/main.py": "",
        "shop/wsgi.py": entry("wsgi", "settings.main"),
      },
      { wsgi: "shop.wsgi:application" },
    ],
    [
      "not that of an example",
      { ...application(""), "example/wsgi.py": "" },
      { wsgi: "mysite.wsgi:application" },
    ],
    [
      "in a folder of its own that is a package",
      { ...within("backend", application("")), "backend/__init__.py": "" },
      { wsgi: "mysite.wsgi:application" },
    ],
    [
      "neither: Django's own",
      { "manage.py": manage("mysite.settings"), "mysite/settings.py": "" },
      { wsgi: "django.core.wsgi:get_wsgi_application() @ default", asgi: undefined, server: "wsgi" },
    ],
    [
      "ASGI beside WSGI, served by WSGI",
      startproject(),
      { wsgi: "mysite.wsgi:application", asgi: "mysite.asgi:application @ mysite/asgi.py", server: "wsgi" },
    ],
    [
      "ASGI alone",
      {
        "manage.py": manage("mysite.settings"),
        "mysite/settings.py": "",
        "mysite/asgi.py": entry("asgi", "mysite.settings"),
      },
      { wsgi: undefined, asgi: "mysite.asgi:application", server: "asgi @ mysite/asgi.py" },
    ],
    [
      "ASGI_APPLICATION",
      application("ASGI_APPLICATION = 'mysite.routing.application'\n", { "mysite/routing.py": "" }),
      { asgi: "mysite.routing:application @ mysite/settings.py:1" },
    ],
    [
      "channels need ASGI",
      startproject({ "requirements.txt": "django\nchannels==4\n" }),
      { server: "asgi @ requirements.txt:2" },
    ],
    [
      "daphne needs ASGI",
      startproject({ "requirements.txt": "django\ndaphne\n" }),
      { server: "asgi @ requirements.txt:2" },
    ],
    [
      "uvicorn serves ASGI",
      startproject({ "requirements.txt": "django\nuvicorn[standard]>=0.30\n" }),
      { server: "asgi @ requirements.txt:2" },
    ],
    [
      "uvicorn without asgi.py serves nothing",
      application("", { "requirements.txt": "django\nuvicorn\n" }),
      { server: "wsgi" },
    ],
  ])("%s", check);
});

const celery = (path: string, text: string, added: Tree = {}): Tree =>
  startproject({ "requirements.txt": "django\ncelery\n", [path]: text, ...added });
const app = "from celery import Celery\n\napp = Celery('mysite')\n";

describe("Celery", () => {
  test.each<Row>([
    [
      "celery.py beside the settings",
      celery("mysite/celery.py", app),
      {
        celery: "mysite.celery:app @ mysite/celery.py:3",
        processes: "worker=celery --app=mysite.celery:app worker",
      },
    ],
    ["celery_app.py", celery("config/celery_app.py", app), { celery: "config.celery_app:app" }],
    [
      "another variable",
      celery("mysite/celery.py", "import celery\ncelery_app = celery.Celery('x')\n"),
      { celery: "mysite.celery:celery_app" },
    ],
    [
      "an annotated variable",
      celery("mysite/celery.py", "from celery import Celery\napp: Celery = Celery('x')\n"),
      { celery: "mysite.celery:app" },
    ],
    [
      "a class of its own",
      celery(
        "mysite/celery.py",
        "from celery import Celery\nclass MyCelery(Celery): pass\napp = MyCelery('x')\n",
      ),
      { celery: "mysite.celery:app" },
    ],
    ["in __init__.py", celery("mysite/__init__.py", app), { celery: "mysite:app" }],
    ["in tasks.py", celery("shop/tasks.py", app), { celery: "shop.tasks:app" }],
    [
      "in src/",
      within("src", celery("mysite/celery.py", app)),
      { celery: "mysite.celery:app @ src/mysite/celery.py:3" },
    ],
    [
      "beside the settings before elsewhere",
      celery("mysite/celery.py", app, { "a/celery.py": app }),
      { celery: "mysite.celery:app" },
    ],
    ["not in tests", celery("tests/celery.py", app), { celery: undefined, processes: "" }],
    [
      "tasks alone are no application",
      celery("shop/tasks.py", "from celery import shared_task\n"),
      { celery: undefined },
    ],
    [
      "false in stackline.json",
      celery("mysite/celery.py", app, { "stackline.json": '{"celery": false}' }),
      { celery: undefined, processes: "" },
    ],
    [
      "beat: a schedule in the settings",
      celery("mysite/celery.py", app, { "mysite/settings.py": "CELERY_BEAT_SCHEDULE = {}\n" }),
      { processes: "worker=celery --app=mysite.celery:app worker, beat=celery --app=mysite.celery:app beat" },
    ],
    [
      "beat: a schedule beside the application",
      celery("mysite/celery.py", `${app}app.conf.beat_schedule = {}\n`),
      { processes: "worker=celery --app=mysite.celery:app worker, beat=celery --app=mysite.celery:app beat" },
    ],
    [
      "beat: django-celery-beat",
      celery("mysite/celery.py", app, { "requirements.txt": "django\ncelery\ndjango-celery-beat\n" }),
      { processes: "worker=celery --app=mysite.celery:app worker, beat=celery --app=mysite.celery:app beat" },
    ],
  ])("%s", check);
});

it("is deterministic and a plain object", async () => {
  const tree = celery("mysite/celery.py", app, {
    ".env.example": "A=1\nB=\n",
    Procfile: "web: x\nclock: python clock.py\n",
  });
  const reversed = Object.fromEntries(Object.entries(tree).reverse());
  const [one, other] = [await detectIn(tree), await detectIn(reversed)];
  expect(other).toEqual(one);
  expect(JSON.parse(JSON.stringify(one))).toEqual(one);
});
