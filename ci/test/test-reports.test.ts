import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, scratchFolder } from "./support.ts";

const testing = join(root, "app", "docker", "testing");
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
  /** The part of the output that is kept for the pipeline. */
  kept: string;
  cases: Case[];
  /** A test's results by class and name. */
  of(name: string): Case | undefined;
}

let count = 0;

function runTests(source: string, before = ""): Ran {
  const cwd = join(folder, `run${++count}`);
  execFileSync("mkdir", [cwd]);
  writeFileSync(
    join(cwd, "test_it.py"),
    `import os, sys, time, unittest\nfrom unittest import TestCase\n${source}`,
  );
  const options = { cwd, env: { ...process.env, TMPDIR: cwd }, maxBuffer: 1 << 28, timeout: 60_000 };
  const run = spawnSync("python3", ["-c", driver, ...(before ? [before] : [])], options);
  const cases = JSON.parse(execFileSync("python3", ["-c", toJson], { cwd, encoding: "utf8" })) as Case[];
  return {
    code: run.status,
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
      `    def test_leave(self): subprocess.Popen(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo more; sleep 1; done"])\n`,
    )}`;
    expect(runTests(leave).code).toBe(0);
    expect(Date.now() - started).toBeLessThan(6_000);
  });

  it("counts a test once that forks and returns in both processes", () => {
    const { code, cases } = runTests(
      inClass("    def test_fork(self):\n        if os.fork() == 0: return\n        os.wait()\n"),
    );
    expect(code).toBe(0);
    expect(cases).toHaveLength(2);
  });
});
