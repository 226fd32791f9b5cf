/** @module-tag slow */

// The use cases of the official documentation, with the unmodified npm package.
import { describe, expect, it } from "vitest";
import { python, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);
const ALPINE = "alpine:3.20";

describe("as documented:", () => {
  it("a container is created from an image, changed, and run for its output", () =>
    session(async ({ client }) => {
      const container = client
        .container()
        .from(ALPINE)
        .withEnvVariable("NAME", "world")
        .withWorkdir("/src")
        .withNewFile("greeting", "hello")
        .withExec(["sh", "-c", 'echo "$(cat greeting), $NAME"']);
      expect(await container.stdout()).toBe("hello, world\n");
      expect(await container.directory("/src").entries()).toEqual(["greeting"]);
    }));

  it("a multi-stage build compiles in one image and runs in another", () =>
    session(async ({ client }) => {
      const source = client
        .directory()
        .withNewFile("main.c", '#include <stdio.h>\nint main(void) { puts("built elsewhere"); }\n');
      const built = client
        .container()
        .from("python:3.8.5-buster")
        .withDirectory("/src", source)
        .withWorkdir("/src")
        .withExec(["gcc", "-static", "-o", "/out", "main.c"])
        .file("/out");
      const small = client.container().from(ALPINE).withFile("/bin/app", built).withEntrypoint(["/bin/app"]);
      expect(await small.withExec([], { useEntrypoint: true }).stdout()).toBe("built elsewhere\n");
      await expect(small.withExec(["gcc", "--version"]).sync()).rejects.toThrow("gcc");
    }));

  it("a Dockerfile's target stage is built with build arguments", () =>
    session(async ({ client }) => {
      const dockerfile = `FROM ${ALPINE} AS base\nARG WORD=none\nRUN echo $WORD >/word\nFROM base AS other\nRUN false\n`;
      const image = client
        .directory()
        .withNewFile("Dockerfile", dockerfile)
        .dockerBuild({ target: "base", buildArgs: [{ name: "WORD", value: "given" }] });
      expect(await image.file("/word").contents()).toBe("given\n");
    }));

  it("a cache volume keeps its content from one run to the next, even if the step changes", async () => {
    const key = `example-${process.pid}`;
    const run = (mark: string): Promise<string> =>
      session(({ client }) =>
        client
          .container()
          .from(ALPINE)
          .withMountedCache("/cache", client.cacheVolume(key))
          .withEnvVariable("MARK", mark)
          .withExec(["sh", "-c", "echo $MARK >>/cache/log; cat /cache/log"])
          .stdout(),
      );
    expect(await run("first")).toBe("first\n");
    expect(await run("second")).toBe("first\nsecond\n");
    const { docker } = await import("./support.ts");
    const { Volumes } = await docker.listVolumes({ filters: { label: [`dev.stackline.cache=${key}`] } });
    for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove();
  });

  it("a service is reached by its alias, and returns its endpoint", () =>
    session(async ({ client }) => {
      const redis = client
        .container()
        .from("redis:7-alpine")
        .withExposedPort(6379)
        .asService({ useEntrypoint: true });
      const cli = client
        .container()
        .from("redis:7-alpine")
        .withServiceBinding("redis-srv", redis)
        .withEntrypoint(["redis-cli", "-h", "redis-srv"]);
      const ran = cli
        .withExec(["set", "foo", "abc"], { useEntrypoint: true })
        .withExec(["get", "foo"], { useEntrypoint: true });
      expect(await ran.stdout()).toBe("abc\n");
      expect(await redis.endpoint({ scheme: "redis" })).toMatch(/^redis:\/\/\w+:6379$/);
    }));

  it("a service is reached from the host through a tunnel", () =>
    session(async ({ client }) => {
      const web = client
        .container()
        .from(python)
        .withWorkdir("/srv")
        .withNewFile("index.html", "tunnelled")
        .withDefaultArgs(["python", "-m", "http.server", "8080"])
        .withExposedPort(8080)
        .asService();
      const tunnel = await client.host().tunnel(web).start();
      const answer = await fetch(await tunnel.endpoint({ scheme: "http" }));
      expect(await answer.text()).toBe("tunnelled");
      await tunnel.stop();
    }));

  it("a secret reaches a command as a variable or a file, and is masked in output", () =>
    session(async ({ client }) => {
      const token = client.setSecret("token", "example-token-1234");
      const said = await client
        .container()
        .from(ALPINE)
        .withSecretVariable("TOKEN", token)
        .withMountedSecret("/run/token", token)
        .withExec(["sh", "-c", 'test "$TOKEN" = "$(cat /run/token)" && echo "same: $TOKEN"'])
        .stdout();
      expect(said).toBe("same: ***\n");
    }));

  it("a failed command reports its exit code and output", () =>
    session(async ({ client }) => {
      const { ExecError } = await import("@dagger.io/dagger");
      const error = await client
        .container()
        .from(ALPINE)
        .withExec(["sh", "-c", "echo out; echo err >&2; exit 3"])
        .sync()
        .catch((reason) => reason);
      expect(error).toBeInstanceOf(ExecError);
      expect([error.exitCode, error.stdout, error.stderr]).toEqual([3, "out", "err"]);
    }));
});
