import { ExecError, ReturnType } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

/** Starts watching; the result stops and returns by how many megabytes this process grew at most. */
function watchMemory(): () => number {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 50);
  return () => {
    clearInterval(timer);
    return (most - before) / 1e6;
  };
}

async function failure(work: Promise<unknown>): Promise<ExecError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ExecError);
  return error as ExecError;
}

describe("withExec", () => {
  it("separates stdout and stderr, and combines them in order", () =>
    session(async ({ client }) => {
      const ran = client
        .container()
        .from(IMAGE)
        .withExec(["sh", "-c", "echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three"]);
      expect(await ran.stdout()).toBe("one\nthree\n");
      expect(await ran.stderr()).toBe("two\n");
      expect(await ran.combinedOutput()).toBe("one\ntwo\nthree\n");
      expect(await ran.exitCode()).toBe(0);
    }));

  it("streams output of any size in bounded memory; the API returns at most 128 MiB of it, as of a file", () =>
    session(async ({ client }) => {
      const peak = watchMemory();
      const line = "x".repeat(1000);
      const ran = client
        .container()
        .from(IMAGE)
        .withExec(["sh", "-c", `yes ${line} | head -c 560000000; echo end >&2`], { redirectStderr: "/end" });
      expect(await ran.exitCode()).toBe(0);
      expect(await ran.file("/end").contents()).toBe("end\n");
      const tooLarge = /^stdout: file size 560000000 exceeds limit 134217728: .*redirectStdout/;
      await expect(ran.stdout()).rejects.toThrow(tooLarge);
      expect(peak()).toBeLessThan(400);
    }));

  it("passes arguments unchanged, without shell expansion", () =>
    session(async ({ client }) => {
      const args = ["a b", "", 'q"q', "$HOME", "*", "ü\n"];
      const ran = client
        .container()
        .from(IMAGE)
        .withExec(["printf", "%s|", ...args]);
      expect(await ran.stdout()).toBe(`${args.join("|")}|`);
    }));

  it("reports the command, exit code and both outputs of a failure", () =>
    session(async ({ client }) => {
      const args = ["sh", "-c", "echo out; echo err >&2; exit 3"];
      const error = await failure(client.container().from(IMAGE).withExec(args).sync());
      expect(error).toMatchObject({ cmd: args, exitCode: 3, stdout: "out", stderr: "err" });
      expect(error.message).toContain("exit code: 3");
    }));

  it("fails with exit code 127 and the name of a command that does not exist", () =>
    session(async ({ client }) => {
      for (const noInit of [false, true]) {
        const error = await failure(
          client.container().from(IMAGE).withExec(["no-such-command"], { noInit }).sync(),
        );
        expect(error).toMatchObject({ cmd: ["no-such-command"], exitCode: 127 });
        expect(error.stderr).toContain("no-such-command");
      }
    }));

  it("continues after an expected failure", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE);
      const failed = base.withExec(["sh", "-c", "echo kept > /kept; exit 4"], { expect: ReturnType.Failure });
      expect(await failed.exitCode()).toBe(4);
      expect(await failed.file("/kept").contents()).toBe("kept\n");
      expect(await base.withExec(["false"], { expect: ReturnType.Any }).exitCode()).toBe(1);
      await failure(base.withExec(["true"], { expect: ReturnType.Failure }).sync());
    }));

  it("does not count a kill by a signal as an expected failure", () =>
    session(async ({ client }) => {
      const killed = client
        .container()
        .from(IMAGE)
        .withExec(["sh", "-c", "kill -9 $$"], { expect: ReturnType.Any });
      expect((await failure(killed.sync())).exitCode).toBe(137);
    }));

  it("passes stdin completely", () =>
    session(async ({ client }) => {
      const text = "0123456789abcde\n".repeat(20_000);
      const counted = client.container().from(IMAGE).withExec(["wc", "-c"], { stdin: text });
      expect((await counted.stdout()).trim()).toBe(String(text.length));
    }));

  it("redirects streams from and to files without changing a byte", () =>
    session(async ({ client }) => {
      const ran = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/mnt", client.directory().withNewFile("in", "to be read"))
        .withWorkdir("/work")
        .withExec(["sh", "-c", "cat; printf '\\377' ; echo bad >&2"], {
          redirectStdin: "/mnt/in",
          redirectStdout: "out",
          redirectStderr: "/mnt/err",
        });
      expect(await ran.file("/work/out").size()).toBe(11);
      expect(await ran.file("/mnt/err").contents()).toBe("bad\n");
      expect(await ran.withExec(["sh", "-c", "tail -c1 /work/out | od -An -tx1"]).stdout()).toContain("ff");
    }));

  it("writes both streams to one file in order", () =>
    session(async ({ client }) => {
      const ran = client
        .container()
        .from(IMAGE)
        .withExec(["sh", "-c", "echo 1; sleep 0.3; echo 2 >&2; sleep 0.3; echo 3"], {
          redirectStdout: "/log",
          redirectStderr: "/log",
        });
      expect(await ran.file("/log").contents()).toBe("1\n2\n3\n");
    }));

  it("uses the entry point only with useEntrypoint, and the default arguments if none are given", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withEntrypoint(["echo", "entry"])
        .withDefaultArgs(["echo", "default"]);
      expect(await base.withExec(["echo", "plain"]).stdout()).toBe("plain\n");
      expect(await base.withExec(["x"], { useEntrypoint: true }).stdout()).toBe("entry x\n");
      expect(await base.withExec([]).stdout()).toBe("default\n");
      expect(await base.withExec([], { useEntrypoint: true }).stdout()).toBe("entry echo default\n");
    }));

  it("adds capabilities only with insecureRootCapabilities", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE);
      const rights = ["sh", "-c", "grep CapEff /proc/self/status"];
      const plain = await base.withExec(rights).stdout();
      const more = await base.withExec(rights, { insecureRootCapabilities: true }).stdout();
      expect(Number.parseInt(more.split(":")[1] as string, 16)).toBeGreaterThan(
        Number.parseInt(plain.split(":")[1] as string, 16),
      );
    }));

  it("reports that no command has been set", () =>
    session(async ({ client }) => {
      await expect(client.container().from(IMAGE).stdout()).rejects.toThrow("no command has been set");
      await expect(
        client.container().from(IMAGE).withExec([]).withoutDefaultArgs().sync(),
      ).resolves.toBeDefined();
      await expect(client.container().withExec([]).sync()).rejects.toThrow("no command has been set");
    }));

  it("replaces bytes of the output that are not valid UTF-8", () =>
    session(async ({ client }) => {
      const ran = client.container().from(IMAGE).withExec(["printf", "a\\377b"]);
      expect(await ran.stdout()).toBe("a\ufffdb");
    }));

  it("captures all output of a process that writes byte by byte", () =>
    session(async ({ client }) => {
      const script = "i=0; while [ $i -lt 20000 ]; do printf x; i=$((i+1)); done";
      expect((await client.container().from(IMAGE).withExec(["sh", "-c", script]).stdout()).length).toBe(
        20_000,
      );
    }));

  it("handles 100 MB of output without holding it in memory", () =>
    session(async ({ client }) => {
      const before = process.memoryUsage().rss;
      const ran = client
        .container()
        .from(IMAGE)
        .withExec(["sh", "-c", "yes 0123456789abcdef | head -c 100000000"]);
      await ran.sync();
      expect(process.memoryUsage().rss - before).toBeLessThan(80e6);
      const error = await failure(
        ran.withExec(["sh", "-c", "yes 0123456789 | head -c 1000000; exit 1"]).sync(),
      );
      expect(error.stdout).toMatch(/^\[omitting \d+ bytes\]\.\.\./);
      expect(error.stdout.length).toBeLessThan(110_000);
    }));
});
