/** @module-tag slow */

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { dagger, docker, leftovers, root, scratchFolder, smallApp } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

const head = "import sys\nimport unittest\n\nfrom django.test import SimpleTestCase\n\n\n";
/** A test that passes, and prints so many kilobytes. */
const flood = (kilobytes: number): string => `${head}class Flood(SimpleTestCase):
    def test_flood(self):
        for number in range(${kilobytes}):
            print(f"line {number:6d}", "x" * 987)
`;
const failing = `${head}class Odd(SimpleTestCase):
    def test_surrogate(self):
        print("\\x00 ]]> \\x1b[31m")
        sys.stdout.buffer.write(b"\\xff\\xfe\\n")
        self.fail("lone \\ud800 surrogate \\x00 ]]>")

    def test_parts(self):
        with self.subTest(part=2):
            self.fail("second part")

    @unittest.expectedFailure
    def test_known(self):
        self.fail("known")


class NoClass(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("the class does not start")

    def test_x(self):
        pass
`;

interface Case {
  id: string;
  file: string;
  timestamp: string;
  problem: string;
}

/** Reads a report with a strict parser. */
function readReport(path: string): Case[] {
  const program = `
import json, sys, xml.etree.ElementTree as tree
print(json.dumps([{"id": case.get("classname") + " " + case.get("name"), "file": case.get("file"), "timestamp": case.get("timestamp"),
  "problem": "".join(part.get("message") for part in case if part.tag in ("failure", "error"))}
  for suite in tree.parse(sys.argv[1]).getroot() for case in suite]))`;
  return JSON.parse(execFileSync("python3", ["-c", program, path], { encoding: "utf8" })) as Case[];
}

function expectEverything(cases: Case[], since: number): void {
  const problems = Object.fromEntries(
    cases.filter(({ problem }) => problem).map(({ id, problem }) => [id, problem]),
  );
  expect(problems).toEqual({
    "checks.test_odd.Odd test_surrogate": "lone \\ud800 surrogate \\x00 ]]>",
    "checks.test_odd.Odd test_parts (part=2)": "second part",
    "checks.test_odd.NoClass setUpClass": "the class does not start",
    "checks.test_import import": "ModuleNotFoundError: No module named 'no_such_module'",
  });
  expect(cases.map(({ id }) => id)).toContain("checks.test_flood.Flood test_flood");
  for (const { file, timestamp, problem } of cases) {
    if (problem) expect(file).toMatch(/^checks\/test_(odd|import)\.py$/);
    expect(Date.parse(`${timestamp}Z`)).toBeGreaterThan(since - 2_000);
  }
}

/** Runs a command and returns its outcome with the most memory, in megabytes, that one of its Node processes had. */
async function measured(...args: string[]): Promise<Awaited<ReturnType<typeof dagger>> & { memory: number }> {
  let memory = 0;
  const timer = setInterval(() => {
    for (const pid of descendants()) memory = Math.max(memory, residentMegabytes(pid));
  }, 100);
  const outcome = await dagger(cache, ...args).finally(() => clearInterval(timer));
  return { ...outcome, memory };
}

function descendants(): string[] {
  const parents = new Map<string, string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    parents.set(pid, /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "");
  const isOwn = (pid: string | undefined): boolean =>
    pid === String(process.pid) || (parents.has(pid ?? "") && isOwn(parents.get(pid ?? "")));
  return [...parents.keys()].filter((pid) => pid !== String(process.pid) && isOwn(pid));
}

const residentMegabytes = (pid: string): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1000;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

describe("an application whose tests print 200 MB, fail in odd ways and do not all import", () => {
  let app: string;
  beforeAll(() => {
    app = smallApp(folder, {
      "checks/test_flood.py": flood(200_000),
      "checks/test_odd.py": failing,
      "checks/test_import.py": "import no_such_module\n",
      // Rules that these tests keep.
      "ruff.toml": 'lint.select = ["E9"]\n',
    });
  });

  test("`test` fails with the causes in its last lines, in bounded memory", async () => {
    const run = await measured("-q", "call", "test", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("the class does not start");
    expect(run.end).toContain("No module named 'no_such_module'");
    expect(run.end).toContain("lone \\ud800 surrogate");
    expect(run.memory).toBeLessThan(600);
  });

  test("`test-report` has all of it", async () => {
    const started = Date.now();
    const out = join(folder, "test-report");
    const run = await measured("-q", "call", "test-report", `--app=${app}`, "export", `--path=${out}`);
    expect(run.exitCode, run.end).toBe(0);
    expectEverything(readReport(join(out, "junit.xml")), started);
    expect(readFileSync(join(out, "coverage.xml"), "utf8")).toMatch(/line-rate="[01]/);
    expect(run.memory).toBeLessThan(600);
  });

  test("`ci` fails because of it alone", async () => {
    const run = await measured("-q", "call", "ci", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.output, run.end).toMatch(/^test +FAIL/m);
    for (const part of ["lint", "build", "checks"])
      expect(run.output, run.end).toMatch(new RegExp(`^${part} +ok`, "m"));
    expect(run.end).toContain("the class does not start");
    expect(run.memory).toBeLessThan(600);
  });

  test("`ci-report` collects all reports in one folder, and has it in junit.xml and in the summary", async () => {
    const started = Date.now();
    const out = join(folder, "ci-report");
    const run = await measured("-q", "call", "ci-report", `--app=${app}`, "export", `--path=${out}`);
    expect(run.exitCode, run.end).toBe(0);
    expectEverything(readReport(join(out, "junit.xml")), started);
    const summary = readFileSync(join(out, "summary.md"), "utf8");
    expect(summary).toMatch(/^\| test \| FAIL \|/m);
    expect(summary).toMatch(/^\| checks \| ok \|/m);
    expect(summary).toMatch(/^## test\n[\s\S]*the class does not start/m);
    expect(readFileSync(join(out, "coverage.xml"), "utf8")).toMatch(/line-rate="[01]/);
    expect(existsSync(join(out, "html", "index.html"))).toBe(true);
    expect(readFileSync(join(out, "checks.png")).subarray(1, 4).toString()).toBe("PNG");
    expect(run.memory).toBeLessThan(600);
  });
});

describe("`test-report` of an application whose tests end early has one error", () => {
  const cases: [name: string, files: Record<string, string>, problem: RegExp][] = [
    [
      "because its settings do not import",
      // They do while the image is built: without that, there is no image to test.
      {
        "devops_001/settings.py": `${readFileSync(join(root, "app/devops_001/settings.py"), "utf8")}\nimport os\n\nif os.environ["DATABASE_HOST"] != "build":\n    import no_such_settings\n`,
      },
      /No module named 'no_such_settings'/,
    ],
    [
      "because a test is killed",
      {
        "checks/test_killed.py": `${head}import os\n\n\nclass Killed(SimpleTestCase):\n    def test_x(self):\n        os.kill(os.getpid(), 9)\n`,
      },
      /killed by signal 9 \(SIGKILL\) while checks\.test_killed\.Killed\.test_x ran/,
    ],
  ];
  test.each(cases)("%s", async (_, files, problem) => {
    const base = smallApp(folder, { "devops_001/check_settings.py": "" });
    for (const [path, text] of Object.entries(files)) writeFileSync(join(base, path), text);
    const out = join(base, "..", `early-${Object.keys(files)[0]?.replace(/\W/g, "-")}`);
    const run = await dagger(cache, "-q", "call", "test-report", `--app=${base}`, "export", `--path=${out}`);
    expect(run.exitCode, run.end).toBe(0);
    expect(
      readReport(join(out, "junit.xml"))
        .map((found) => found.problem)
        .filter(Boolean),
    ).toEqual([expect.stringMatching(problem)]);
  });
});

describe("an application with a private index, nested requirements and a local package", () => {
  const password = `hunter2${process.pid}x${Date.now()}`;
  const server = createServer((request, response) => {
    const expected = `Basic ${Buffer.from(`ci:${password}`).toString("base64")}`;
    if (request.headers.authorization !== expected)
      return response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    if (request.url?.endsWith(".whl")) return response.end(readFileSync(join(folder, wheel)));
    return response.setHeader("content-type", "text/html").end(`<a href="/${wheel}">${wheel}</a>`);
  });
  const wheel = "stackline_private-1.0-py3-none-any.whl";
  let app: string;
  let netrc: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const host = (await docker.getNetwork("bridge").inspect()).IPAM?.Config?.[0]?.Gateway as string;
    const address = `${host}:${(server.address() as AddressInfo).port}`;
    makeWheel(join(folder, wheel));
    netrc = join(folder, "netrc");
    writeFileSync(netrc, `machine ${host} login ci password ${password}\n`, { mode: 0o600 });
    app = smallApp(folder, {
      "requirements/local.txt": "\ufeff-c constraints.txt\r\n-e ./libs/orders_lib\r\nstackline-private\r\n",
      "requirements/constraints.txt": "stackline-private==1.0\n",
      "libs/orders_lib/setup.py":
        "from setuptools import setup\n\nsetup(name='orders-lib', version='1.5', packages=['orders_lib'])\n",
      "libs/orders_lib/orders_lib/__init__.py": "",
      "checks/test_flood.py": flood(560_000),
      "checks/test_packages.py": `${head}import orders_lib\nimport pkg_resources\nimport stackline_private\n\n\nclass Packages(SimpleTestCase):\n    def test_both(self):\n        self.assertEqual(stackline_private.WHERE, "private index")\n        self.assertEqual(orders_lib.__file__, "/app/libs/orders_lib/orders_lib/__init__.py")\n        self.assertEqual(pkg_resources.get_distribution("orders-lib").version, "1.5")\n`,
    });
    const main = join(app, "requirements.txt");
    writeFileSync(main, readFileSync(main, "utf8").replace(/ \\\n +--hash=\S+/g, ""));
    appendFileSync(
      main,
      `--extra-index-url http://${address}/simple\n--trusted-host ${host}\n-r requirements/local.txt\n`,
    );
  });
  afterAll(() => server.close());

  test("is tested with --netrc, and passes although its tests print 560 MB", async () => {
    const run = await measured("-q", "call", "test", `--app=${app}`, `--netrc=file://${netrc}`);
    expect(run.exitCode, run.end).toBe(0);
    expect(run.output).not.toContain(password);
    expect(run.stdout).toMatch(
      /^\[\.\.\. \d{9} bytes of output cut here; the run printed all of it \.\.\.\]$/m,
    );
    expect(run.stdout).toContain("line 559999 ");
    expect(run.stdout).toMatch(/^OK$/m);
    expect(run.stdout.length).toBeLessThan(2_000_000);
    expect(run.memory).toBeLessThan(600);
  });

  test("keeps its packages cached when a source file changes", async () => {
    writeFileSync(join(app, "checks", "edited.py"), `# ${Date.now()}\n`);
    const run = await dagger(cache, "call", "build", `--app=${app}`, `--netrc=file://${netrc}`);
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stderr).toMatch(/install\.py requirements\.txt.*\(cached\)/);
  });

  test("has the password in no file and no layer of the image", async () => {
    // A pattern that does not match itself.
    const pattern = `hunter[2]${password.slice(7)}`;
    const find = ["with-exec", `--args=grep,-rl,${pattern},/app,/opt,/root,/etc,/srv,/var`, "--expect=ANY"];
    const run = await dagger(
      cache,
      "call",
      "build",
      `--app=${app}`,
      `--netrc=file://${netrc}`,
      ...find,
      "stdout",
    );
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout.trim()).toBe("");
    const recent = (await docker.listImages({ all: true })).slice(0, 50);
    for (const { Id } of recent)
      expect(
        JSON.stringify(
          await docker
            .getImage(Id)
            .history()
            .catch(() => []),
        ),
      ).not.toContain(password);
  });

  test("is not built without the login", async () => {
    const run = await dagger(cache, "call", "build", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/stackline-private|401|User for/);
  });

  test("is refused in one line with the login in a nested file, before anything starts", async () => {
    appendFileSync(join(app, "requirements", "local.txt"), "-i https://ci:hunter2@pypi.example/simple\n");
    const runs = ["test", "ci", "build"].map((name) => dagger(cache, "call", name, `--app=${app}`));
    for (const run of await Promise.all(runs)) {
      expect(run.exitCode).toBe(1);
      expect(run.output).not.toContain("hunter2");
      expect(run.stderr).toMatch(/^Error: .*requirements\/local\.txt:4: the URL contains a user name/m);
      expect(run.stderr).not.toMatch(/ (build|exec|service) /);
    }
  });
});

function makeWheel(path: string): void {
  const program = `
import sys, zipfile
info = "stackline_private-1.0.dist-info/"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("stackline_private/__init__.py", 'WHERE = "private index"\\n')
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: stackline-private\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")`;
  execFileSync("python3", ["-c", program, path]);
}

test("nothing is left behind in Docker", async () => {
  expect(await leftovers()).toEqual([]);
});
