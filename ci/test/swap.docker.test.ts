/** @module-tag slow */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { $ } from "zx";
import { images } from "../src/versions.ts";
import { daggerIn, root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = join(folder, "cache");
/** Another project, which does not contain Stackline. */
const project = join(folder, "project");
const app = join(project, "app");

/** Another application: old Django, psycopg2 from source, no hashes, nothing in common with the one of this repository. */
beforeAll(async () => {
  mkdirSync(app, { recursive: true });
  const generate =
    "pip install --quiet --target /tmp/django Django==3.1.5 && cd /out && PYTHONPATH=/tmp/django python -m django startproject devops_001 .";
  await $({ quiet: true })`docker run --rm --volume ${app}:/out ${images.python} sh -euc ${generate}`;
  write(
    "requirements.txt",
    "Django==3.1.5\npsycopg2==2.8.6\ncelery==5.0.5\nredis==3.5.3\nkafka-python==2.0.2\ngunicorn==20.0.4\n",
  );
  write("devops_001/celery.py", celeryApp);
  write("devops_001/__init__.py", "from .celery import app as celery_app\n\n__all__ = ['celery_app']\n");
  write("devops_001/tests.py", tests);
  appendSettings();
  for (const kept of ["Dockerfile", "docker", ".dockerignore"])
    cpSync(join(root, "app", kept), join(app, kept), { recursive: true });
});

describe("another application that follows the same contract", () => {
  const inProject = (...args: string[]) => daggerIn(project, cache, "-m", root, ...args);

  test("is tested against real services and its own worker by the module of another folder", async () => {
    const run = await inProject("call", "test", "--app=./app");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/^Ran 2 tests in/m);
    expect(run.stdout).toMatch(/^OK/m);
  });

  test("is built into an image", async () => {
    const run = await inProject(
      "call",
      "build",
      "--app=./app",
      "with-exec",
      "--args=python,-c,import psycopg2",
      "sync",
    );
    expect(run.exitCode, run.end).toBe(0);
  });
});

function write(path: string, text: string): void {
  writeFileSync(join(app, path), text);
}

function appendSettings(): void {
  const path = join(app, "devops_001", "settings_database.py");
  writeFileSync(path, settings);
  writeFileSync(
    join(app, "devops_001", "settings.py"),
    "\nfrom .settings_database import DATABASES  # noqa\n",
    { flag: "a" },
  );
}

const settings = `import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["POSTGRES_DB"],
        "USER": os.environ["POSTGRES_USER"],
        "PASSWORD": os.environ["POSTGRES_PASSWORD"],
        "HOST": os.environ["DATABASE_HOST"],
        "PORT": os.environ["DATABASE_PORT"],
    }
}
`;

const celeryApp = `import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devops_001.settings")
url = "redis://%s:%s/0" % (os.environ["REDIS_HOST"], os.environ["REDIS_PORT"])
app = Celery("devops_001", broker=url, backend=url)


@app.task
def add(a, b):
    return a + b
`;

const tests = `import os

from django.contrib.auth.models import User
from django.test import TestCase
from kafka import KafkaProducer

from devops_001.celery import add


class Stack(TestCase):
    def test_database_and_worker(self):
        User.objects.create(username="somebody")
        self.assertEqual(add.delay(2, 3).get(timeout=20), 5)
        self.assertEqual(User.objects.count(), 1)

    def test_kafka(self):
        producer = KafkaProducer(bootstrap_servers="%s:%s" % (os.environ["KAFKA_HOST"], os.environ["KAFKA_PORT"]))
        self.assertEqual(producer.send("swap", b"hello").get(timeout=20).topic, "swap")
`;
