import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test, vi } from "vitest";
import { deadline } from "../../tests/deadline.ts";
import { checkParallel, checkTimeout } from "../src/pipeline/tests.ts";
import { root, scratchFolder } from "./support.ts";

const testing = join(root, "ci/image/testing");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const folder = scratchFolder();

/** The test runner without Django: supervisor, result class and report. */
const driver = `
import sys, unittest
sys.path[:0] = [${JSON.stringify(testing)}, "."]
from stackline_result import Recording
from stackline_supervisor import supervise

def run():
    if sys.argv[1:]:
        exec(sys.argv[1])
    result = type("Result", (Recording, unittest.TextTestResult), {})
    suite = unittest.defaultTestLoader.discover(".")
    return int(not unittest.TextTestRunner(resultclass=result).run(suite).wasSuccessful())

sys.exit(supervise(run, "junit.xml"))
`;

/** Any XML parser would do: this one is strict. */
const toJson = `
import json, sys, xml.etree.ElementTree as tree
print(json.dumps([{**case.attrib, "suite": {**suite.attrib}, **{part.tag: {**part.attrib, "text": part.text or ""} for part in case}}
  for suite in tree.parse("junit.xml").getroot() for case in suite]))
`;

type Case = Record<string, string> & {
  suite: Record<string, string>;
  error?: Record<string, string>;
  failure?: Record<string, string>;
  skipped?: Record<string, string>;
};

interface Ran {
  code: number | null;
  output: string;
  folder: string;
  /** The part of the output that is kept for the pipeline. */
  kept: string;
  cases: Case[];
  /** A test's results by class and name. */
  of(name: string): Case | undefined;
}

let count = 0;

function runTests(source: string, before = "", variables: NodeJS.ProcessEnv = {}): Ran {
  const cwd = join(folder, `run${++count}`);
  execFileSync("mkdir", [cwd]);
  writeFileSync(
    join(cwd, "test_it.py"),
    `import os, sys, time, unittest\nfrom unittest import TestCase\n${source}`,
  );
  const options = {
    cwd,
    env: { ...process.env, TMPDIR: cwd, ...variables },
    maxBuffer: 1 << 28,
    timeout: 60_000,
  };
  const run = spawnSync("python3", ["-c", driver, ...(before ? [before] : [])], options);
  const cases = JSON.parse(execFileSync("python3", ["-c", toJson], { cwd, encoding: "utf8" })) as Case[];
  return {
    code: run.status,
    folder: cwd,
    output: `${run.stdout}${run.stderr}`,
    kept: readFileSync(join(cwd, "stackline-test-output.txt"), "utf8"),
    cases,
    of: (name) => cases.find((found) => `${found.classname} ${found.name}` === name),
  };
}

const inClass = (body: string): string => `class T(TestCase):\n    def test_good(self): pass\n${body}`;

describe.skipIf(!hasPython)("junit.xml", () => {
  it("parses whatever tests print, and shows it", () => {
    const { cases, of } = runTests(
      inClass(
        `    def test_bad(self):
        print("\\x00 ]]> \\x1b[31m <&")
        sys.stdout.buffer.write(b"\\xff\\xfe\\n")
        self.fail("lone \\ud800, \\x00 \\x08 ]]> <&> \\ufffe \\U0001f600")
    def test_sub(self):
        with self.subTest(text="]]>\\udc80\\x01"): self.fail("sub")
`,
      ),
    );
    expect(cases).toHaveLength(3);
    expect(of("test_it.T test_bad")?.failure?.message).toBe(
      "lone \\ud800, \\x00 \\x08 ]]> <&> \\ufffe \u{1f600}",
    );
    expect(of("test_it.T test_bad")?.["system-out"]).toMatchObject({ text: "\\x00 ]]> \\x1b[31m <&\n" });
    expect(cases.map(({ name }) => name).join()).toMatch(/test_sub \(text=/);
  });

  it("has the class, file and time of everything that fails", () => {
    const before = Date.now();
    const { code, cases, of } = runTests(
      `def setUpModule(): pass
def tearDownModule(): raise RuntimeError("no end")
class A(TestCase):
    @classmethod
    def setUpClass(cls):
        time.sleep(0.2)
        raise RuntimeError("no class")
    def test_a(self): pass
class B(TestCase):
    def test_b(self): raise ValueError("b")
    @unittest.expectedFailure
    def test_c(self): self.fail("known")
    @unittest.expectedFailure
    def test_d(self): pass
    @unittest.skip("later")
    def test_e(self): pass
`,
      'open("test_import.py", "w").write("import no_such_module"); open("test_syntax.py", "w").write("def broken(:")',
    );
    expect(code).toBe(1);
    expect(of("test_it.A setUpClass")).toMatchObject({
      file: "test_it.py",
      error: { type: "RuntimeError", message: "no class" },
    });
    expect(Number(of("test_it.A setUpClass")?.time)).toBeGreaterThanOrEqual(0.2);
    expect(of("test_it tearDownModule")?.error?.message).toBe("no end");
    expect(of("test_it.B test_b")).toMatchObject({ file: "test_it.py", line: "12", error: { message: "b" } });
    expect(of("test_it.B test_c")?.skipped).toMatchObject({ type: "expected failure" });
    expect(of("test_it.B test_d")?.failure?.message).toMatch(/but passed/);
    expect(of("test_it.B test_e")?.skipped?.message).toBe("later");
    expect(of("test_import import")).toMatchObject({ file: "test_import.py" });
    expect(of("test_import import")?.error?.message).toMatch(/No module named 'no_such_module'/);
    expect(of("test_syntax import")?.error?.message).toMatch(/SyntaxError/);
    expect(of("test_it.B test_b")?.suite).toMatchObject({
      tests: "4",
      errors: "1",
      failures: "1",
      skipped: "2",
    });
    for (const { timestamp } of cases) expect(Date.parse(`${timestamp}Z`)).toBeGreaterThan(before - 2_000);
  });

  it.each([
    ["a signal", "os.kill(os.getpid(), 9)", /killed by signal 9 \(SIGKILL\) while test_it\.T\.test_last ran/],
    ["exit code 0", "os._exit(0)", /ended with exit code 0 while test_it\.T\.test_last ran/],
    ["an exit code like a signal's", "os._exit(137)", /ended with exit code 137 while/],
  ])("has an error for a test in which the process ends by %s, which fails the run", (_, line, message) => {
    const { code, kept, of } = runTests(inClass(`    def test_last(self): ${line}\n`));
    expect(code).toBe(1);
    expect(of("test_it.T test_last")).toMatchObject({ file: "test_it.py", error: { type: "killed" } });
    expect(of("test_it.T test_last")?.error?.message).toMatch(message);
    expect(of("test_it.T test_good")).toBeDefined();
    expect(kept).toMatch(message);
  });

  it("has one error when the tests never started", () => {
    const { code, cases } = runTests(inClass(""), "raise ImportError('settings do not import')");
    expect(code).toBe(1);
    expect(cases).toHaveLength(1);
    expect(cases[0]?.error?.message).toBe("ImportError: settings do not import");
    expect(cases[0]?.error?.text).toContain("Traceback");
  });

  it("keeps the exit code and message of a program that ends itself before the tests", () => {
    const { code, cases } = runTests(inClass(""), "print('POSTGRES_DB is missing'); sys.exit(78)");
    expect(code).toBe(78);
    expect(cases[0]?.error?.message).toBe("POSTGRES_DB is missing");
  });
});

describe.skipIf(!hasPython)("the output of tests", () => {
  const flood = inClass(`    def test_flood(self):
        for i in range(40_000): print("line %6d " % i + "x" * 1000)
`);

  it("passes through whole, and both ends are kept, with a line that says what is cut", () => {
    const { code, output, kept, of } = runTests(flood);
    expect(code).toBe(0);
    expect(output.match(/line /g)).toHaveLength(40_000);
    expect(kept.length).toBeLessThan(1_100_000);
    expect(kept).toContain("line      0 ");
    expect(kept).toContain("line  39999 ");
    expect(kept).toMatch(/^OK$/m);
    expect(kept).toMatch(/\[\.\.\. \d{8} bytes of output cut here; the run printed all of it \.\.\.\]/);
    expect(String(Object(of("test_it.T test_flood")?.["system-out"]).text)).toMatch(
      /\[\.\.\. \d+ characters cut here/,
    );
  });

  it("does not make the run wait for a process that a test left behind", () => {
    const started = Date.now();
    const leave = `import subprocess\n${inClass(
      `    def test_leave(self): subprocess.Popen(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo more; sleep 10; done"])\n`,
    )}`;
    expect(runTests(leave).code).toBe(0);
    expect(Date.now() - started).toBeLessThan(deadline(6) * 1000);
  });

  it("counts a test once that forks and returns in both processes", () => {
    const { code, cases } = runTests(
      inClass("    def test_fork(self):\n        if os.fork() == 0: return\n        os.wait()\n"),
    );
    expect(code).toBe(0);
    expect(cases).toHaveLength(2);
  });
});

test("--timeout is a whole number of seconds, and has a default", () => {
  expect([checkTimeout(), checkTimeout(0), checkTimeout(90)]).toEqual([600, 0, 90]);
  expect(() => checkTimeout(-1)).toThrow("--timeout -1: give a whole number of seconds, 0 for no limit");
});

test("tests run in a number of processes, which the project may have its own default for", () => {
  expect([checkParallel(), checkParallel(0), checkParallel(4)]).toEqual([undefined, 0, 4]);
  for (const wrong of [-1, 1.5, 1000]) {
    expect(() => checkParallel(wrong)).toThrow(
      `--parallel ${wrong}: give a number of processes up to 64, or 0 for one for each processor`,
    );
  }
});

describe.skipIf(!hasPython)("a run with a time limit", () => {
  const limit = { TEST_TIMEOUT: "2" };
  const inWorker = `    def test_hang(self):
        children = [os.fork() or in_worker() for _ in range(6)]
        for child in children:
            os.waitpid(child, 0)
`;
  it.each([
    ["in Python", "time.sleep(600)", "T.test_hang was still running after 2 s", "test_hang"],
    ["in C code that blocks the interpreter", "hold()", "T.test_hang was still running after 2 s", "hold"],
    [
      "in a thread that it waits for",
      "t = threading.Thread(target=wait); t.start(); t.join()",
      "T.test_hang was still running after 2 s",
      "test_hang",
    ],
    [
      "without its standard streams",
      "os.close(1); os.close(2); time.sleep(600)",
      "T.test_hang was still running after 2 s",
      "",
    ],
  ])(
    "ends with the name of the test that hangs %s, and the stacks of all threads",
    (_, line, message, at) => {
      const source = `import ctypes, threading
def wait(): time.sleep(600)
def hold(): ctypes.PyDLL(None).sleep(600)
${inClass(`    def test_hang(self):\n        print("before it hangs", end="")\n        ${line}\n`)}`;
      const { code, kept, output, of } = runTests(source, "", limit);
      expect(code).toBe(1);
      const last = `TIMEOUT test_it.${message}, so the run was ended (--timeout)`;
      for (const text of [kept, output]) expect(text).toContain(`\n${last}`);
      if (at !== "") {
        expect(kept).toContain("before it hangs");
        expect(kept).toMatch(/^ {2}File ".*test_it.py", line \d+ in test_hang$/m);
        expect(kept.trimEnd()).toMatch(new RegExp(`\\n    at test_it\\.py:\\d+ in ${at}$`));
      }
      if (line.includes("thread")) expect(kept).toMatch(/^ {2}File ".*test_it.py", line 4 in wait$/m);
      expect(of("test_it.T test_hang")?.error?.message).toContain(last);
      expect(of("test_it.T test_good")).toBeDefined();
    },
  );

  it("shows the stacks of the processes that hang, one after the other, and leaves none", async () => {
    const source = `def in_worker(): open("workers", "a").write(f"{os.getpid()}\\n"); time.sleep(600)\n${inClass(inWorker)}`;
    const { code, kept, folder: cwd } = runTests(source, "", limit);
    expect(code).toBe(1);
    // A list comprehension has a frame of its own before Python 3.12.
    const frame = (name: string) => String.raw`  File "[^"\n]+", line \d+ in ${name}`;
    const stack = `^${frame("in_worker")}\\n(${frame("<listcomp>")}\\n)?${frame("test_hang")}$`;
    expect(kept.match(new RegExp(stack, "gm"))).toHaveLength(6);
    const workers = readFileSync(join(cwd, "workers"), "utf8").trim().split("\n");
    await vi.waitUntil(() => !workers.some((worker) => existsSync(`/proc/${worker}`)), { timeout: 30_000 });
  });

  it.each([
    [
      "before the first test",
      "",
      "import time; time.sleep(600)",
      /^TIMEOUT no test had begun after 2 s, so/m,
    ],
    [
      "in a fixture",
      "class A(TestCase):\n    def test_a(self): pass\nclass B(TestCase):\n    @classmethod\n    def setUpClass(cls): time.sleep(600)\n    def test_b(self): pass\n",
      "",
      /^TIMEOUT no test ran for 2 s: a fixture .*\n {4}at test_it\.py:7 in setUpClass$/m,
    ],
    [
      "after the last test",
      "import threading\nclass A(TestCase):\n    def test_a(self): threading.Thread(target=time.sleep, args=[600]).start()\n",
      "",
      /^TIMEOUT the test process did not end within 2 s of the last test, so/m,
    ],
  ])("ends if it hangs %s", (_, source, before, message) => {
    const { code, kept } = runTests(source, before, limit);
    expect([code, kept]).toEqual([1, expect.stringMatching(message)]);
  });

  it("may take longer than the limit as a whole", () => {
    const tests = [1, 2, 3, 4].map((n) => `    def test_${n}(self): time.sleep(0.8)\n`);
    expect(runTests(inClass(tests.join("")), "", limit).code).toBe(0);
  });
});

test.skipIf(!hasPython)("a run whose settings cannot be imported ends with one line that says so", () => {
  const cwd = join(folder, "settings");
  execFileSync("mkdir", [cwd]);
  const files = {
    "django.py": "def setup():\n    import mysite\n",
    "mysite.py": "import no_such_module\n",
    "manage.py": "import django\ndjango.setup()\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  const env = { ...process.env, TMPDIR: cwd, TEST_FOLDER: cwd, DJANGO_SETTINGS_MODULE: "mysite" };
  const run = spawnSync("python3", [join(testing, "run_tests.py")], { env, encoding: "utf8" });
  expect(run.status).toBe(1);
  expect(run.stdout.trim().split("\n").at(-1)).toBe(
    "the settings mysite cannot be imported: ModuleNotFoundError: No module named 'no_such_module' (at mysite.py:1): add the package that has this module to the project's dependencies",
  );
});

test.skipIf(!hasPython)("a variable that the project sets for its tests has no placeholder", () => {
  const cwd = join(folder, "variables");
  const program = join(cwd, "docker");
  for (const path of [cwd, program, join(cwd, "app")]) execFileSync("mkdir", [path]);
  execFileSync("cp", ["-r", testing, join(cwd, "testing")]);
  for (const name of ["variables.py", "placeholders.py"])
    execFileSync("cp", [join(testing, "..", name), program]);
  writeFileSync(join(program, "required-variables"), "SHOP_URL\nSHOP_KEY\n");
  writeFileSync(join(cwd, "app/conftest.py"), 'os.environ.setdefault("SHOP_URL", "http://test")\n');
  writeFileSync(
    join(cwd, "app/shown.py"),
    'import os\nprint(os.environ.get("SHOP_URL"), os.environ.get("SHOP_KEY"))\n',
  );
  writeFileSync(join(cwd, "app/manage.py"), "import shown\n");
  const given = { STACKLINE_PLACEHOLDERS: "1", SHOP_URL: "https://build.invalid", SHOP_KEY: "1" };
  const env = { ...process.env, TMPDIR: cwd, TEST_FOLDER: join(cwd, "app"), ...given };
  const run = spawnSync("python3", [join(cwd, "testing/run_tests.py")], { env, encoding: "utf8" });
  expect(run.stdout).toMatch(/^None 1$/m);
});
