import { execFile, execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const image = join(root, "ci/image");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
let count = 0;

/** A new folder with these files. */
function folderWith(files: Record<string, string>): string {
  const place = join(folder, `${++count}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), text);
  }
  return place;
}

const filesIn = (place: string): string[] =>
  readdirSync(place, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(place, join(entry.parentPath, entry.name)))
    .sort();

/** The variables that the entry point's shell adds to these. */
function derive(
  given: Record<string, string>,
  own: Record<string, string> = {},
  required = "",
): Record<string, string> {
  const place = folderWith({ "environment.json": JSON.stringify(own), "required-variables": required });
  copyFileSync(join(image, "variables.py"), join(place, "variables.py"));
  const env = { PATH: process.env.PATH, ...given };
  const line = 'variables=$(python3 -IS variables.py); eval "$variables"; env -0';
  const after = execFileSync("sh", ["-euc", line], { cwd: place, env, encoding: "utf8" }).split("\0");
  const pairs = after.filter(Boolean).map((text) => [text.split("=")[0], text.slice(text.indexOf("=") + 1)]);
  return Object.fromEntries(
    pairs.filter(([name = ""]) => !(name in env) && !/^(PWD|_|SHLVL|OLDPWD)$/.test(name)),
  );
}

const database = {
  POSTGRES_DB: "shop",
  POSTGRES_USER: "me",
  POSTGRES_PASSWORD: "p@ss/'w $HOME",
  DATABASE_HOST: "postgres",
  DATABASE_PORT: "5432",
};

describe.skipIf(!hasPython)("the entry point", () => {
  test("sets no variable of a service that is not there", () => {
    expect(derive({})).toEqual({});
  });

  test("sets placeholders for variables that the settings require, in stacks of tests and checks alone", () => {
    const required = "SHOP_KEY\nERRORS_DSN\nSHOP_HOST\n";
    expect(derive({}, {}, required)).toEqual({});
    const given = { STACKLINE_PLACEHOLDERS: "1", SHOP_KEY: "mine" };
    expect(derive(given, { SHOP_HOST: "shop" }, required)).toEqual({
      SHOP_HOST: "shop",
      ERRORS_DSN: "https://build@build.invalid/1",
    });
  });

  test("sets the usual variables of the database, with a password of any characters", () => {
    expect(derive(database)).toMatchObject({
      DATABASE_URL: "postgres://me:p%40ss%2F%27w%20%24HOME@postgres:5432/shop",
      PGPASSWORD: database.POSTGRES_PASSWORD,
      DB_HOST: "postgres",
      DB_NAME: "shop",
    });
  });

  test.each<[given: Record<string, string>, derived: Record<string, string>]>([
    [
      { REDIS_HOST: "redis", REDIS_PORT: "6379" },
      { REDIS_URL: "redis://redis:6379/0", CACHE_URL: "redis://redis:6379/1" },
    ],
    [{ REDIS_HOST: "redis", REDIS_PASSWORD: "a b" }, { CELERY_BROKER_URL: "redis://:a%20b@redis/0" }],
    [{ KAFKA_HOST: "kafka", KAFKA_PORT: "9092" }, { KAFKA_BOOTSTRAP_SERVERS: "kafka:9092" }],
    [{ SECRET_KEY: "k" }, { DJANGO_SECRET_KEY: "k" }],
    [{ DJANGO_ALLOWED_HOSTS: "a,b" }, { ALLOWED_HOSTS: "a,b" }],
  ])("of %j derives %j", (given, derived) => {
    expect(derive(given)).toMatchObject(derived);
  });

  test("leaves variables that are set as they are", () => {
    const given = { ...database, DATABASE_URL: "sqlite:///x", DB_HOST: "other" };
    const derived = derive(given, { DATABASE_URL: "nothing" });
    expect([derived.DATABASE_URL, derived.DB_HOST, derived.PGHOST]).toEqual([
      undefined,
      undefined,
      "postgres",
    ]);
  });

  test("sets what stackline.json assigns, from all other variables; one that is not set is empty", () => {
    const own = { SHOP_DSN: "$DATABASE_URL?ssl=no", SHOP_NAME: "$NO_SUCH", PRICE: "5 $" };
    expect(derive({ REDIS_HOST: "r", DATABASE_HOST: "h" }, own)).toMatchObject({
      SHOP_DSN: "postgres://:@h:5432/?ssl=no",
      SHOP_NAME: "",
      PRICE: "5 $",
    });
  });
});

test.skipIf(!hasPython)(
  "packages are installed from files that declare them, archives and local packages alone",
  () => {
    const place = folderWith({
      "requirements.txt":
        "-r more/list.cfg.txt\n-c pins.txt\n-r https://example.org/x.txt\n-r ../outside.txt\n",
      "pins.txt": "",
      "readme.txt": "",
      "manage.py": "",
      "pyproject.toml": "",
      "uv.lock": "",
      "own-1.0-py3-none-any.whl": "",
      "more/list.cfg.txt": "",
      "requirements/prod.txt": "",
      "libs/orders/setup.py": "",
      "libs/orders/orders.py": "",
      ".venv/requirements.txt": "",
    });
    execFileSync("python3", [join(image, "manifests.py"), "out", "."], { cwd: place });
    const declared = [
      "libs/orders/setup.py",
      "more/list.cfg.txt",
      "pins.txt",
      "pyproject.toml",
      "requirements.txt",
      "requirements/prod.txt",
      "uv.lock",
    ];
    expect(filesIn(join(place, "out/files"))).toEqual(declared);
    expect(filesIn(join(place, "out/all"))).toEqual(
      [...declared, "libs/orders/orders.py", "own-1.0-py3-none-any.whl"].sort(),
    );
  },
);

describe.skipIf(!hasPython)("a site without /checks", () => {
  const statuses: Record<string, number> = { "/moved/": 301, "/bad/": 400, "/secret/": 403, "/err/": 502 };
  const server = createServer(({ url = "" }, response) => {
    const type = url.endsWith(".css") ? "text/css" : "text/html";
    const status = statuses[url] ?? 200;
    response.writeHead(status, {
      "content-type": type,
      ...(status === 301 && { location: "https://x.test/" }),
    });
    response.end();
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => server.close());

  test.each<[part: string, facts: Record<string, string | null>, verdict: string]>([
    ["web", { health: "up" }, "/up answers 200"],
    ["web", { health: null }, "/ answers 200"],
    ["web", { health: "moved/" }, "/moved/ answers 301, to https://x.test/"],
    ["web", { health: "secret/" }, "/secret/ answers 403: the log of the application has the reason"],
    ["web", { health: "err/" }, "/err/ answers 502: the log of the application has the reason"],
    ["web", { health: "bad/" }, "/bad/ answers 400 to the host localhost: name it in ALLOWED_HOSTS"],
    ["static_files", { staticFile: "/static/a.css" }, "/static/a.css arrives as text/css"],
    ["static_files", { staticFile: "/err/" }, "/err/ arrives with status 502 as text/html"],
    ["static_files", { staticFile: null }, "the project collects none"],
  ])("its %s of %j: %s", async (part, facts, verdict) => {
    const program = `
import json, sys, check_site
try: print(check_site.${part}(sys.argv[1], json.loads(sys.argv[2]), "localhost"))
except check_site.Problem as problem: print(problem)`;
    const { port } = server.address() as AddressInfo;
    const args = ["-c", program, `http://127.0.0.1:${port}`, JSON.stringify(facts)];
    const env = { PATH: process.env.PATH, PYTHONPATH: image, PYTHONDONTWRITEBYTECODE: "1" };
    const { stdout } = await promisify(execFile)("python3", args, { env });
    expect(stdout.trim()).toBe(verdict);
  });
});

describe.skipIf(!hasPython)("the image's build finds the variable that settings require", () => {
  /** In place of Django, whose part is to import the settings. */
  const django = "def setup():\n    import settings\n";
  const decouple = "class UndefinedValueError(Exception):\n    pass\n";
  test.each<[settings: string, missing: string]>([
    ['import os\nos.environ["SHOP_KEY"]', "SHOP_KEY"],
    ['raise RuntimeError("Set the SHOP_KEY environment variable")', "SHOP_KEY"],
    [
      'import decouple\nraise decouple.UndefinedValueError("SHOP_KEY not found. Declare it as envvar")',
      "SHOP_KEY",
    ],
    [
      'raise ValueError("1 validation error for Settings\\nSHOP_KEY\\n  Field required [type=missing]")',
      "SHOP_KEY",
    ],
    ['import sys\nsys.exit("SHOP_KEY must be set")', "SHOP_KEY"],
    ['raise RuntimeError("SHOP_KEY is required")', "SHOP_KEY"],
    ['{}["lower"]', "None"],
    ["import no_such_module", "None"],
    ["X = 1", "None"],
  ])("%j", (settings, missing) => {
    const place = folderWith({ "django.py": django, "decouple.py": decouple, "settings.py": settings });
    const program = "import placeholders; print(placeholders.missing_variable())";
    const env = { PATH: process.env.PATH, PYTHONPATH: image, PYTHONDONTWRITEBYTECODE: "1" };
    expect(execFileSync("python3", ["-c", program], { cwd: place, env, encoding: "utf8" }).trim()).toBe(
      missing,
    );
  });
});

/** Runs a program with the modules of the image and these files, and with a folder of its own for what the modules write. */
function runPython(program: string, files: Record<string, string>) {
  const place = folderWith(files);
  for (const name of readdirSync(image).filter((item) => item.endsWith(".py")))
    copyFileSync(join(image, name), join(place, name));
  const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", DJANGO_SETTINGS_MODULE: "settings" };
  return spawnSync("python3", ["-c", program], { cwd: place, env, encoding: "utf8" });
}

describe.skipIf(!hasPython)("the image's build", () => {
  const known = 'import collectstatic, pathlib; print(collectstatic.known_facts(pathlib.Path("static")))';

  test("writes down the variables for which it set placeholders", () => {
    const program =
      'import os, placeholders; placeholders.import_settings(True); print(os.environ["SHOP_KEY"], end=" "); print(*open("required-variables"))';
    const { stdout, stderr } = runPython("exec(open('run.py').read())", {
      "django.py": "def setup():\n    import settings\n",
      "settings.py": 'import os\nos.environ["SHOP_KEY"]\n',
      "run.py": `import os, sys\nos.execv(sys.executable, [sys.executable, "go.py"])\n`,
      "go.py": `${program}\n`,
    });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/need SHOP_KEY: a placeholder stands for it in this step\n1 SHOP_KEY\n/);
  });

  test("says in one line that a library or module of the site's addresses is missing", () => {
    const urls = 'raise OSError("libzbar.so.0: cannot open shared object file")\n';
    const run = runPython(known, { "django/__init__.py": "", "django/urls.py": urls });
    expect([run.status, run.stderr]).toEqual([
      1,
      'the site\'s addresses (ROOT_URLCONF) cannot be imported: OSError: libzbar.so.0: cannot open shared object file (at django/urls.py:1): name the Debian package that has this library in stackline.json: {"packages": ["..."]}\n',
    ]);
  });

  test("does without the addresses of a site that asks its database for them", () => {
    const urls = 'raise RuntimeError("no database")\n';
    const run = runPython(known, { "django/__init__.py": "", "django/urls.py": urls, "static/a.css": "" });
    expect(run.stdout).toContain("RuntimeError: no database\n");
    expect(run.stdout).toContain("{'staticFile': '/a.css', 'health': None, 'hasChecks': False}");
  });

  test.each<[said: string, reason: string]>([
    [
      "error: No solution found when resolving dependencies\n  cause: Because no-such was not found in the package registry and you require no-such, we can conclude that your requirements are unsatisfiable.\n",
      "requirements/base.txt:2: no package index has no-such: correct its name, or declare the index that has it",
    ],
    [
      "error: No solution found when resolving dependencies\n  cause: Because you require django==5.2 and django<5, we can conclude that your requirements are unsatisfiable.\n",
      "No solution found when resolving dependencies: Because you require django==5.2 and django<5, we can conclude that your requirements are unsatisfiable.",
    ],
    [
      "error: Failed to build `pycups==2.0.4`\n  cause: The build backend returned an error\n\n         cupsconnection.h:26:10: fatal error: cups/http.h: No such file or directory\n         compilation terminated.\n\nhint: This error likely indicates that you need to install a library\n",
      'pycups==2.0.4 cannot be built: it needs cups/http.h: name the Debian package that has what is missing in stackline.json: {"packages": ["..."]}',
    ],
    [
      "error: Failed to build `x==1`\n  cause: The build backend returned an error\n         Exception: Can not find valid pkg-config name.\n\nhint: none\n",
      'x==1 cannot be built: Exception: Can not find valid pkg-config name.: name the Debian package that has what is missing in stackline.json: {"packages": ["..."]}',
    ],
    ["", "uv failed"],
  ])("says in one line why packages cannot be installed: %#", (said, reason) => {
    const run = runPython('import uv_failure; print(uv_failure.reason(open("said").read()))', {
      said,
      "requirements/base.txt": "django\nNo_Such>=1\n",
      "uv.lock": "no-such",
    });
    expect(run.stdout).toBe(`${reason}\n`);
  });
});
