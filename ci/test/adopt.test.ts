import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { $ } from "zx";
import type { Engine } from "../../engine/src/engine.ts";
import { patternMatcher } from "../../engine/src/store/patterns.ts";
import { openModule } from "../../scripts/lib/module.ts";
import { refusal } from "../src/adopt/adopt.ts";
import { stackVariables } from "../src/adopt/compose.ts";
import { parseRunners, runners } from "../src/adopt/runner.ts";
import { COMPOSE, tailor, tailoringFor } from "../src/site/compose-file.ts";
import { parseEnvironment } from "../src/site/environment.ts";
import { adopted, readTree } from "./adopted.ts";
import { daggerCommands, faultOf } from "./command-lines.ts";
import { detectIn, manage, startproject, type Tree } from "./project-folders.ts";
import { root } from "./support.ts";

const fixture = (name: string): Tree => readTree(join(root, "ci/test/fixtures/projects", name));
const project = (requirements: string, added: Tree = {}): Tree =>
  startproject({ "requirements.txt": `django~=5.2.0\npsycopg[binary]\n${requirements}`, ...added });

const projects: Record<string, Tree> = {
  "with uv, in src/": fixture("shop"),
  "with Poetry and a front end": fixture("library"),
  "of this repository": readTree(join(root, "app")),
  "with PostgreSQL alone": project(""),
  "with a Procfile": project("redis\n", {
    Procfile: "web: gunicorn x\nconsumer: python manage.py consume --price $5\nrelease: ./release.sh\n",
  }),
  "with its own Dockerfile": project("", {
    Dockerfile: "FROM python:3.12\n",
    "stackline.json": '{"dockerfile": "Dockerfile"}',
  }),
};

const compose = async (tree: Tree, path = "docker-compose.yml") =>
  parse((await adopted(await detectIn(tree)))[path] as string, { merge: true });

let engine: Engine;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ engine, close } = await openModule());
}, 60_000);
afterAll(() => close());

describe.each(Object.entries(projects))("a project %s", (_, tree) => {
  test("is still the same project with the adopted files", async () => {
    const before = await detectIn(tree);
    const { "stackline.json": configured, ...others } = await adopted(before);
    const image = Object.entries(readTree(join(root, "ci/image"))).map(
      ([path, text]) => [`ci/image/${path}`, text] as const,
    );
    const all = { "stackline.json": configured as string, ...others, ...Object.fromEntries(image), ...tree };
    expect(values(await detectIn(all))).toEqual(values(before));
  });

  test("adopts the same a second time", async () => {
    const first = await adopted(await detectIn(tree));
    const { "stackline.json": configured } = { ...first, ...tree };
    const { "stackline.json": _, ...second } = await adopted(
      await detectIn({ ...tree, ...first, ...(configured && { "stackline.json": configured }) }),
    );
    expect(first).toMatchObject(second);
  });

  test("is deployed with the adopted compose file as it is", async () => {
    const project = await detectIn(tree);
    const text = (await adopted(project))[COMPOSE] as string;
    expect(tailor(text, tailoringFor(project, {}))).toBe(text);
    const { app } = parse(tailor(text, tailoringFor(project, { MODE: "yes" })), { merge: true }).services;
    expect(app.environment.MODE).toBe("yes");
  });

  test("has environments that are valid, and match nothing that exists", async () => {
    const files = await adopted(await detectIn(tree));
    for (const name of ["prod", "staging"]) {
      const environment = parseEnvironment(name, files[`environments/${name}.json`] as string);
      expect(environment.host).toMatch(/\.example\.com$/);
    }
  });

  test("has runner files that call only existing functions and flags", async () => {
    const files = await adopted(await detectIn(tree));
    for (const path of Object.values(runners)) {
      const text = files[path] as string;
      const commands = daggerCommands(text);
      expect(commands.map(([, name]) => name)).toEqual([
        "ci",
        "ci-report",
        "publish",
        "deploy",
        "publish",
        "deploy",
      ]);
      expect(commands.map((words) => faultOf(engine, words)).filter(Boolean)).toEqual([]);
      expect(commands.filter((words) => !words.includes("--app=."))).toEqual([]);
      expect(files[path]).not.toMatch(/dagger call/);
      if (path.endsWith("ml")) expect(parse(files[path] as string)).toBeTypeOf("object");
    }
  });

  test("has a guide that names every file and calls only existing functions and flags", async () => {
    const files = await adopted(await detectIn(tree));
    const guide = files["STACKLINE.md"] as string;
    const named = [...guide.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path as string);
    const isNamed = (path: string): boolean =>
      named.some((name) => path === name || (name.endsWith("/") && path.startsWith(name)));
    expect(Object.keys(files).filter((path) => path !== "STACKLINE.md" && !isNamed(path))).toEqual([]);
    const commands = daggerCommands(guide);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.map((words) => faultOf(engine, words)).filter(Boolean)).toEqual([]);
  });
});

/** What the facts say, without the files that say so. */
const values = (fact: unknown): unknown => {
  if (Array.isArray(fact)) return fact.map(values);
  if (typeof fact !== "object" || fact === null) return fact;
  if ("origin" in fact && "value" in fact) return fact.value;
  return Object.fromEntries(Object.entries(fact).map(([name, item]) => [name, values(item)]));
};

describe("docker-compose.yml", () => {
  test("has the services, worker and processes that the project uses", async () => {
    const names = async (tree: Tree) => Object.keys((await compose(tree)).services).sort();
    const always = ["app", "migrate", "nginx", "postgres", "static"];
    expect(await names(projects["with uv, in src/"] as Tree)).toEqual([...always, "redis", "worker"].sort());
    expect(await names(projects["with PostgreSQL alone"] as Tree)).toEqual(always);
    expect(await names(projects["with a Procfile"] as Tree)).toEqual([...always, "consumer", "redis"].sort());
  });

  test("builds with the packages for tests and with the settings of manage.py", async () => {
    const { args, dockerfile } = (await compose(fixture("shop"))).services.app.build;
    expect(dockerfile).toBe("ci/image/Dockerfile");
    expect(args).toMatchObject({ APP: ".", FOLDER: "src", SETTINGS: "shop.settings", WSGI: "" });
    expect(args.DEPENDENCIES).toContain("group:dev");
    const several = project("", {
      "manage.py": manage("mysite.settings.local"),
      "mysite/settings.py": undefined as never,
      "mysite/settings/local.py": "from .base import *\n",
      "mysite/settings/base.py": 'SECRET_KEY = "x"\n',
      "mysite/settings/production.py": "from .base import *\n",
    });
    delete several["mysite/settings.py"];
    const { app } = (await compose(several)).services;
    expect(app.build.args.SETTINGS).toBe("mysite.settings.local");
    expect(app.environment.DJANGO_SETTINGS_MODULE).toBe("mysite.settings.local");
  });

  test("names every argument of the Dockerfile but those of its labels", async () => {
    const text = readFileSync(join(root, "ci/image/Dockerfile"), "utf8");
    const known = new Set([...text.matchAll(/^ARG (\w+)/gm)].map(([, name]) => name));
    const { args } = (await compose(fixture("shop"))).services.app.build;
    expect(new Set([...Object.keys(args), "VERSION", "REVISION"])).toEqual(known);
  });

  test("mounts the whole repository, and says nothing of this one", async () => {
    const text = (await adopted(await detectIn(fixture("shop"))))["docker-compose.yml"] as string;
    expect(text).not.toMatch(/devops_001|app\//);
    const { app, worker, static: files } = parse(text, { merge: true }).services;
    for (const { volumes } of [app, worker, files]) expect(volumes).toContain(".:/app");
  });

  test("runs processes like the web server, but publishes none of their ports", async () => {
    const { consumer, app } = (await compose(projects["with a Procfile"] as Tree)).services;
    expect(consumer.command).toBe("python manage.py consume --price $$5");
    expect(consumer.ports).toBeUndefined();
    expect(consumer.environment).toEqual(app.environment);
    expect(consumer.healthcheck.test).toContain("--up");
  });

  test("hands on the variables that the project documents and the stack does not set", async () => {
    const tree = project("", { ".env.example": "SECRET_KEY=\nDB_HOST=\nSTRIPE_KEY=\n" });
    const { "docker-compose.yml": text, "STACKLINE.md": guide } = await adopted(await detectIn(tree));
    const { environment } = parse(text as string, { merge: true }).services.app;
    expect(environment.STRIPE_KEY).toBeNull();
    expect(environment).not.toHaveProperty("DB_HOST");
    expect(environment.SECRET_KEY).toMatch(/development/);
    expect(guide).toContain("These variables have no value yet: STRIPE_KEY.");
  });

  test("runs the image of a project's own Dockerfile, which the guide says how to build", async () => {
    const tree = projects["with its own Dockerfile"] as Tree;
    const { app } = (await compose(tree)).services;
    expect(app.image).toBe("mysite:development");
    expect(app).not.toHaveProperty("build");
    expect((await adopted(await detectIn(tree)))["STACKLINE.md"]).toContain(
      "call build --app=. export-image --name=mysite:development",
    );
  });

  test("runs no commands of a release: production does", async () => {
    const tree = projects["with a Procfile"] as Tree;
    expect((await compose(tree)).services.migrate.environment).not.toHaveProperty("STACKLINE_RELEASE");
    const { migrate } = (await compose(tree, "docker-compose.prod.yml")).services;
    expect(migrate.environment.STACKLINE_RELEASE).toBe("./release.sh");
  });
});

test("the stack's variables are those of docker-compose.yml and of ci/image/variables.py", async () => {
  const { environment } = parse(readFileSync(join(root, "docker-compose.yml"), "utf8"), { merge: true })
    .services.app;
  const program =
    "import json, variables; print(json.dumps(variables.derived({'DATABASE_HOST': 'a', 'REDIS_HOST': 'a', 'KAFKA_HOST': 'a', 'SECRET_KEY': 'a', 'ALLOWED_HOSTS': 'a'})))";
  const { stdout } = await $({ quiet: true, cwd: join(root, "ci/image") })`python3 -Bc ${program}`;
  const set = [...Object.keys(JSON.parse(stdout)), ...Object.keys(environment)];
  const internal = ["GUNICORN_RELOAD", "FORWARDED_ALLOW_IPS"];
  expect(set.filter((name) => ![...stackVariables, ...internal].includes(name))).toEqual([]);
});

describe("stackline.json", () => {
  test("states what detection only guesses", async () => {
    const text = (await adopted(await detectIn(fixture("shop")), "github.com/acme/stackline@v2"))[
      "stackline.json"
    ];
    expect(JSON.parse(text as string)).toEqual({
      $schema: "https://raw.githubusercontent.com/acme/stackline/v2/ci/stackline.schema.json",
      server: "asgi",
      celery: "shop.celery:app",
      python: "3.10",
      testDependencies: ["group:dev"],
      services: ["postgres", "redis"],
    });
  });

  test("names no schema that its address does not tell", async () => {
    const text = (await adopted(await detectIn(project("")), "git.example.com/stackline"))["stackline.json"];
    expect(JSON.parse(text as string)).not.toHaveProperty("$schema");
  });
});

describe(".dockerignore", () => {
  test("keeps secrets and generated files out of the image, and the project in it", async () => {
    const text = (await adopted(await detectIn(project(""))))[".dockerignore"] as string;
    const ignores = patternMatcher(text.split("\n").filter((line) => line !== "" && !line.startsWith("#")));
    for (const path of [
      ".env",
      ".env.production",
      "secrets/SECRET_KEY",
      "deploy/id_rsa",
      ".git/config",
      "web/node_modules/a.js",
    ])
      expect([path, ignores(path)]).toEqual([path, true]);
    for (const path of ["manage.py", "ci/image/Dockerfile", "reports/views.py", "uv.lock"])
      expect([path, ignores(path)]).toEqual([path, false]);
  });
});

describe("adopt", () => {
  test("names the files that it would overwrite, in one line, and what to do", () => {
    expect(refusal(["docker-compose.yml", "Jenkinsfile"])).toMatch(
      /^adopt would overwrite docker-compose\.yml, Jenkinsfile: move them away, or overwrite them with --force; --runner=NAME/,
    );
    expect(refusal(["nginx/nginx.conf"])).not.toContain("--runner");
    expect(refusal(Array.from({ length: 40 }, (_, i) => `f${i}`))).toMatch(/ f11 and 28 more: /);
  });

  test.each([
    [[], Object.values(runners)],
    [["gitlab", "gitlab"], [".gitlab-ci.yml"]],
  ])("writes the files of the runners %j", (names, files) => {
    expect(parseRunners(names)).toEqual(files);
  });

  test("refuses a runner that it does not know", () => {
    expect(() => parseRunners(["hudson"])).toThrow(
      'there is no runner "hudson": the runners are github, gitlab, circleci, jenkins, bitbucket, azure',
    );
  });
});
