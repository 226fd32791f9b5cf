import { expect, test } from "vitest";
import { detect } from "../src/project/detect.ts";
import {
  type Expected,
  entry,
  factsOf,
  manage,
  memoryFolder,
  startproject,
  type Tree,
  within,
} from "./project-folders.ts";

/** The layouts that generators and guides give a project, reduced to the files that detection reads. */
const cookiecutter: Tree = {
  "manage.py": manage("config.settings.local"),
  ".python-version": "3.13\n",
  "pyproject.toml": `[project]
name = "shop"
requires-python = "==3.13.*"
dependencies = ["celery==5.5.3", "django==5.2.7", "hiredis==3.3.0", "psycopg[c]==3.2.11", "redis==6.4.0"]

[dependency-groups]
dev = ["django-debug-toolbar==6.0.0", "pytest==8.4.2", "pytest-django==4.11.1"]

[tool.pytest.ini_options]
minversion = "6.0"
addopts = "--ds=config.settings.test --reuse-db --import-mode=importlib"
`,
  "uv.lock": [
    "celery==5.5.3",
    "django==5.2.7",
    "hiredis==3.3.0",
    "psycopg==3.2.11",
    "redis==6.4.0",
    "django-debug-toolbar==6.0.0",
    "pytest==8.4.2",
    "pytest-django==4.11.1",
  ]
    .map((item) => `[[package]]\nname = "${item.split("==")[0]}"\nversion = "${item.split("==")[1]}"\n`)
    .join("\n"),
  "config/__init__.py": "from .celery_app import app as celery_app\n",
  "config/celery_app.py":
    'from celery import Celery\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")\napp = Celery("shop")\n',
  "config/settings/base.py":
    'WSGI_APPLICATION = "config.wsgi.application"\nDATABASES = {"default": env.db("DATABASE_URL")}\n',
  "config/settings/local.py": "from .base import *\nfrom .base import env\n",
  "config/settings/production.py": "from .base import *\n",
  "config/settings/test.py": "from .base import *\n",
  "config/wsgi.py": entry("wsgi", "config.settings.production"),
  "compose/production/django/Dockerfile": "FROM docker.io/python:3.13.7-slim-trixie AS python\n",
};

const withRequirements = (tree: Tree): Tree => {
  const { "pyproject.toml": _, "uv.lock": __, ".python-version": ___, ...rest } = tree;
  return {
    ...rest,
    "setup.cfg": "[tool:pytest]\nDJANGO_SETTINGS_MODULE=config.settings.test\n",
    "requirements/base.txt": "django==4.2.7\nredis==5\ncelery==5.3\n",
    "requirements/local.txt": "-r base.txt\npsycopg[binary]\npytest-django==4.7\n",
    "requirements/production.txt": "-r base.txt\ngunicorn==21.2\npsycopg[c]\n",
  };
};

const wagtail: Tree = {
  "manage.py": manage("shop.settings.dev"),
  "requirements.txt": "Django>=5.2,<5.3\nwagtail>=7.1,<7.2\n",
  Dockerfile: "FROM python:3.12-slim-bookworm\nENV PYTHONUNBUFFERED=1 \\\n    PORT=8000\n",
  "shop/settings/__init__.py": "",
  "shop/settings/base.py": 'WSGI_APPLICATION = "shop.wsgi.application"\n',
  "shop/settings/dev.py": "from .base import *\n",
  "shop/settings/production.py": "from .base import *\n",
  "shop/wsgi.py": entry("wsgi", "shop.settings.dev"),
};

const uvInSrc: Tree = {
  ...within("src", {
    "manage.py": manage("shop.settings"),
    "shop/settings.py": "ASGI_APPLICATION = 'shop.asgi.application'\n",
    "shop/asgi.py": entry("asgi", "shop.settings"),
    "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n",
  }),
  "pyproject.toml":
    '[project]\nname = "shop"\nrequires-python = ">=3.12"\ndependencies = ["django", "channels[daphne]", "channels-redis", "celery", "psycopg"]\n\n[dependency-groups]\ntest = ["pytest-django"]\n\n[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = "shop.settings"\npythonpath = ["src"]\n',
  "uv.lock": ["django", "channels", "channels-redis", "celery", "psycopg", "pytest-django"]
    .map((name) => `[[package]]\nname = "${name}"\nversion = "5.2"\n`)
    .join("\n"),
};

const poetryWithoutRedis: Tree = {
  "manage.py": manage("shop.settings"),
  "shop/settings.py": "WSGI_APPLICATION = 'shop.wsgi.application'\n",
  "shop/wsgi.py": entry("wsgi", "shop.settings"),
  "pyproject.toml":
    '[tool.poetry]\nname = "shop"\n\n[tool.poetry.dependencies]\npython = "^3.11"\ndjango = "^5.1"\npsycopg = {extras = ["binary"], version = "^3.2"}\n\n[tool.poetry.group.dev.dependencies]\nruff = "*"\n',
  "poetry.lock":
    '[[package]]\nname = "django"\nversion = "5.1.4"\n\n[[package]]\nname = "psycopg"\nversion = "3.2.3"\n\n[[package]]\nname = "ruff"\nversion = "0.8"\n',
};

test.each<[layout: string, tree: Tree, expected: Expected]>([
  [
    "cookiecutter-django with uv",
    cookiecutter,
    {
      settings: "config.settings.local",
      testSettings: "config.settings.test @ pyproject.toml:11",
      productionSettings: "config.settings.production",
      wsgi: "config.wsgi:application",
      celery: "config.celery_app:app",
      python: "3.13 @ .python-version:1",
      django: "5.2.7",
      manager: "uv",
      testDependencies: "group:dev",
      testRunner: "pytest",
      services: "postgres, redis",
      problems: "",
    },
  ],
  [
    "cookiecutter-django with requirements/",
    withRequirements(cookiecutter),
    {
      testSettings: "config.settings.test @ setup.cfg:2",
      python: "3.13.7 @ compose/production/django/Dockerfile:1",
      dependencies: "requirements/production.txt",
      testDependencies: "requirements/local.txt",
      testRunner: "pytest",
      services: "postgres, redis",
      processes: "worker=celery --app=config.celery_app:app worker",
    },
  ],
  [
    "wagtail start",
    wagtail,
    {
      settings: "shop.settings.dev",
      testSettings: "shop.settings.dev",
      productionSettings: "shop.settings.production",
      wsgi: "shop.wsgi:application",
      python: "3.12",
      dependencies: "requirements.txt",
      testRunner: "django",
      services: "",
    },
  ],
  [
    "src/ with uv, Channels and Celery",
    uvInSrc,
    {
      manage: "src/manage.py",
      asgi: "shop.asgi:application",
      server: "asgi",
      celery: "shop.celery:app",
      python: "3.12",
      manager: "uv",
      testDependencies: "group:test",
      testRunner: "pytest",
      services: "postgres, redis",
    },
  ],
  [
    "Poetry with manage.py test, without Redis",
    poetryWithoutRedis,
    {
      manager: "poetry",
      django: "5.1.4",
      python: "3.11",
      testRunner: "django",
      testDependencies: "group:dev",
      services: "postgres",
      processes: "",
      problems: "",
    },
  ],
])("%s", async (_, tree, expected) => expect(await factsOf(tree, expected)).toEqual(expected));

test("a link that leads nowhere is no file", async () => {
  const folder = memoryFolder(startproject({ "runtime.txt": "python-3.11" }));
  const project = await detect({
    paths: [...folder.paths, ".python-version"],
    read: async (path) => {
      if (path === ".python-version") throw new Error("open .python-version: no such file or directory");
      return folder.read(path);
    },
  });
  expect(project.python.value).toBe("3.11");
});
