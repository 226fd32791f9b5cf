import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { commandLine, expectOneLine, sample, whatFailed } from "./command.ts";
import { temporaryFolder } from "./folder.ts";
import { idleDocker } from "./idle-docker.ts";

const cache = temporaryFolder();
const env: NodeJS.ProcessEnv = { ...process.env, STACKLINE_CACHE: cache, CI: "" };

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Starts one command line; `wrap` makes a shell line of it. */
function start(words: string[], wrap = (line: string): string => line): ChildProcess {
  const [program, args] = commandLine(["-m", sample, ...words]);
  const line = [program, ...args].map((word) => `'${word}'`).join(" ");
  return spawn("bash", ["-c", wrap(`exec ${line}`)], { env, stdio: "pipe" });
}

async function end(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once("close", (...how) => resolve(how)),
  );
  return { code, signal, ...texts };
}

const run = (words: string[], wrap?: (line: string) => string): Promise<Ended> => end(start(words, wrap));

// A function's own process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

/** A function whose result is cached from the first call on. */
const kept = ["call", "kept", "--mark=ä€"];
const result = /^ä€ 0\.\d+$/;

beforeAll(async () => {
  env.DOCKER_HOST = (await idleDocker()).host;
  // The first start registers the module.
  expect((await run(kept)).stdout).toMatch(result);
}, 120_000);

/** The line's own `exec` would leave no shell to report its exit code. */
const plain = (line: string): string => line.replace("exec ", "");

describe("output that nobody takes", () => {
  it.each([
    ["a result", ["functions"], (line: string) => `(${plain(line)}; echo $? >&2) | true`],
    ["help", ["--help"], (line: string) => `(sleep 0.2; ${plain(line)}; echo $? >&2) | true`],
    [
      "progress",
      ["call", "fresh"],
      (line: string) => `(${plain(line)} 2>&1 >&4; echo $? >&3) 3>&2 4>/dev/null | true`,
    ],
  ])("%s ends the command quietly, as SIGPIPE ends a program", async (_, words, wrap) => {
    expect((await run(words, wrap)).stderr).toBe("141\n");
  });

  it("a full disk under standard output is one line and a failure", async () => {
    for (const words of [["functions"], ["--help"], kept]) {
      const ended = await run([...words, "--silent"], (line) => `${line} >/dev/full`);
      expect(ended).toMatchObject({
        code: 1,
        stderr: "Error: cannot write to standard output: no space left on device\n",
      });
    }
    expect((await run(kept, (line) => `${line} >/dev/full 2>/dev/full`)).code).toBe(1);
  });

  it("a result of which the disk takes only a part is a failure", async () => {
    const words = ["call", "kept", `--mark=${"x".repeat(5_000)}`, "--silent"];
    const { stdout } = await run(words);
    const file = join(temporaryFolder(), "out");
    const ended = await run(words, (line) => `trap '' XFSZ; ulimit -f 1; ${line} >${file}`);
    expect(ended).toMatchObject({
      code: 1,
      stderr: "Error: cannot write to standard output: file too large\n",
    });
    expect(stdout.startsWith(readFileSync(file, "utf8"))).toBe(true);
  });

  it("progress on a full disk, or a closed standard stream, does not fail the command", async () => {
    for (const where of ["2>/dev/full", "2>&-"]) {
      const ended = await run([...kept, "--progress=plain"], (line) => `${line} ${where}`);
      expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(result)]);
    }
    expect((await run(kept, (line) => `${line} >&- 2>&-`)).code).toBe(0);
  });

  it("is the same in a locale without UTF-8", async () => {
    const ended = await run(kept, (line) => `export LC_ALL=C LANG=C; ${line}`);
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(result)]);
  });
});

/** The process of the function that a command runs. */
async function processOf({ pid }: ChildProcess): Promise<string> {
  const children = `/proc/${pid}/task/${pid}/children`;
  await expect.poll(() => readFileSync(children, "utf8").trim(), { timeout: 60_000 }).not.toBe("");
  return readFileSync(children, "utf8").trim().split(" ")[0] as string;
}

describe("a signal", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s prints one line, exits with %d and leaves no process", async (signal, code) => {
    const child = start(["call", "hang", "--progress=plain"]);
    const ended = end(child);
    const process = await processOf(child);
    child.kill(signal);
    expect(await ended).toEqual({
      code,
      signal: null,
      stdout: "",
      stderr: `1 ▸ Sample.hang\nError: interrupted by ${signal}\n`,
    });
    await expect.poll(() => existsSync(`/proc/${process}`), { timeout: 20_000 }).toBe(false);
  });

  it.runIf(existsSync("/usr/bin/script"))("on a terminal does the same", async () => {
    const child = start(
      ["call", "hang"],
      // Other shells may end at Ctrl-C themselves.
      (line) => `SHELL=/bin/bash exec script -qec "${plain(line)}; echo code \\$?" /dev/null`,
    );
    const ended = end(child);
    await new Promise<void>((resolve) =>
      child.stdout?.on("data", (text: string) => text.includes("Sample.hang") && resolve()),
    );
    child.stdin?.write("\u0003");
    const { stdout } = await ended;
    expect(stdout).toMatch(/Error: interrupted by SIGINT\s/);
    expect(stdout).toMatch(/code 130\s*$/);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)(
    "%s of a function's process alone is named as such",
    async (signal) => {
      const child = start(["call", "hang", "--progress=plain"]);
      const ended = end(child);
      process.kill(Number(await processOf(child)), signal);
      const { code, stderr } = await ended;
      expectOneLine(
        { code, said: whatFailed(stderr) },
        new RegExp(`^Error: the module's process was ended by ${signal} before it answered$`),
      );
    },
  );

  it("that ends what `run` runs gives its exit code", async () => {
    expect((await run(["run", "--", "sh", "-c", "kill -TERM $$"])).code).toBe(143);
  });

  it("ends an export into a pipe that nobody reads", async () => {
    const pipe = join(temporaryFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    const child = start([...kept, "-o", pipe, "--progress=plain"]);
    const ended = end(child);
    await new Promise<void>((resolve) =>
      child.stderr?.on("data", (text: string) => text.includes("[cached]") && resolve()),
    );
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, stdout: "" });
    const [{ stdout }, read] = await Promise.all([
      run([...kept, "-o", pipe]),
      promisify(execFile)("cat", [pipe]),
    ]);
    expect(stdout).toMatch(result);
    expect(read.stdout).toBe(stdout);
  });

  it("ends an SDK's session without a failure", async () => {
    const child = start(["session"]);
    const ended = end(child);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("a function's process that ends itself", () => {
  /** The sample module with this file added. */
  const withFile = (name: string, text: string): string => {
    const folder = temporaryFolder();
    cpSync(sample, folder, { recursive: true });
    writeFileSync(join(folder, "src", name), text);
    return folder;
  };
  const functions = async (module: string): Promise<string> => {
    const [program, args] = commandLine(["-m", module, "functions", "--progress=plain"]);
    const { code, stderr } = await end(spawn(program, args, { env, stdio: "pipe" }));
    expect(code).toBe(1);
    return whatFailed(stderr);
  };

  it("is reported with its exit code and last words, not as a mistake in a file that it has nothing to do with", async () => {
    const folder = withFile("exits.ts", 'console.error("no licence");\nprocess.exit(7);\n');
    writeFileSync(join(folder, "src", "broken.mts"), "const a = ;\n");
    expect(await functions(folder)).toBe(
      "Error: the module's process ended with exit code 7 before it answered. Its last words:\nno licence",
    );
  });

  it("because the module does not compile is reported with the place, whatever decorators stand before it", async () => {
    const mistake = await functions(withFile("mistake.ts", "export const fine = 1;\nconst a = ;\n"));
    expect(mistake).toMatch(/^Error: the module does not compile: .*\/src\/mistake\.ts:2:11: /);
  });
});

describe("a result without a line end", () => {
  it.runIf(existsSync("/usr/bin/script"))("gets one on a terminal, and in no pipe or file", async () => {
    const file = join(temporaryFolder(), "out");
    const terminal = await run(
      [...kept, "-o", file, "--silent"],
      (line) => `script -qec "${plain(line)}" /dev/null`,
    );
    expect(terminal.stdout).toMatch(/0\.\d+\r\n$/);
    const { stdout } = await run(kept);
    expect(stdout).toMatch(result);
    expect(readFileSync(file, "utf8")).toBe(stdout);
  });
});

describe("the path of --output", () => {
  it.each([
    [
      "a value onto a directory",
      ["kept", "--mark=o"],
      "folder",
      /folder is a directory: give the path of a file/,
    ],
    ["an image onto a directory", ["base"], "folder", /folder is a directory: give the path of a file/],
    ["an image onto a parent", ["base"], "folder/..", /is a directory: give the path of a file/],
    [
      "a directory onto a file",
      ["base", "rootfs"],
      "file",
      /file is not a directory: give the path of a dir/,
    ],
    [
      "a file below a file",
      ["base", "file", "--path=/etc/passwd"],
      "file/x",
      /file is not a directory; choose/,
    ],
    ["a value below a file", ["kept", "--mark=o"], "file/x", /file is not a directory; choose another path/],
    ["through a link", ["base", "rootfs"], "link", /link is not a directory/],
    ["the field export", ["base", "rootfs", "export"], "file", /file is not a directory/],
  ])("is refused before the run: %s", async (_, words, path, reason) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "folder"));
    writeFileSync(join(folder, "file"), "old");
    symlinkSync("file", join(folder, "link"));
    const flag = words.includes("export") ? "--path" : "-o";
    const ended = await run(["call", ...words, flag, `${folder}/${path}`, "--progress=plain"]);
    // Not even the first step has begun.
    expectOneLine({ code: ended.code, said: ended.stderr.trim() }, reason);
    expect([readdirSync(folder).sort(), readdirSync(join(folder, "folder"))]).toEqual([
      ["file", "folder", "link"],
      [],
    ]);
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("old");
  });

  it("is created with its folders, takes a pipe, and is ignored if it is empty", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a/b");
    const saved = await run([...kept, "-o", path]);
    expect([saved.code, saved.stderr]).toEqual([0, expect.stringContaining(`Saved output to "${path}".\n`)]);
    expect(readFileSync(path, "utf8")).toBe(saved.stdout);
    expect((await run([...kept, "-o", "/dev/stdout"], (line) => `${plain(line)} | cat`)).stdout).toBe(
      saved.stdout.repeat(2),
    );
    expect((await run([...kept, "-o", ""])).stderr).not.toContain("Saved");
  });

  it("on a full disk is one line and a failure", async () => {
    const ended = await run([...kept, "-o", "/dev/full"]);
    expectOneLine(
      { code: ended.code, said: whatFailed(ended.stderr) },
      /^Error: cannot write \/dev\/full: no space left on device; choose another path$/,
    );
  });
});

describe("a chain", () => {
  it("with a mistake in a later function runs nothing", async () => {
    const folder = temporaryFolder();
    for (const words of [
      ["fresh", "nope"],
      ["base", "with-exec"],
      ["base", "file", "--path=/x", "export"],
    ]) {
      const { code, stderr } = await run(["call", ...words, "--progress=plain", "-o", join(folder, "x")]);
      expectOneLine({ code, said: stderr.trim() }, /^Error: (unknown command|required flag)/);
    }
  });
});
