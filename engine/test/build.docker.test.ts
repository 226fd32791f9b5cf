/** @module-tag slow */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Client, type Directory, ExecError, ReturnType } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

function context(client: Client, dockerfile: string, files: Record<string, string> = {}): Directory {
  let dir = client.directory().withNewFile("Dockerfile", dockerfile);
  for (const [name, text] of Object.entries(files)) dir = dir.withNewFile(name, text);
  return dir;
}

describe("dockerBuild", () => {
  it("builds the last stage, or the target stage", () =>
    session(async ({ client }) => {
      const dir = context(
        client,
        `FROM ${IMAGE} AS one\nRUN echo one > /stage\nFROM one AS two\nRUN echo two > /stage\nENV A=b\nCMD ["cat", "/stage"]\n`,
      );
      const built = dir.dockerBuild();
      expect(await built.withExec([]).stdout()).toBe("two\n");
      expect(await built.envVariable("A")).toBe("b");
      expect(await dir.dockerBuild({ target: "one" }).file("/stage").contents()).toBe("one\n");
      await expect(dir.dockerBuild({ target: "three" }).sync()).rejects.toThrow("three");
    }));

  it("takes build arguments, also in FROM, and another Dockerfile path", () =>
    session(async ({ client }) => {
      const text = `ARG BASE=none\nFROM \${BASE}\nARG WORD=default\nRUN echo $WORD > /word\n`;
      const dir = client.directory().withNewFile("docker/App.Dockerfile", text);
      const build = (word?: string): Promise<string> =>
        dir
          .dockerBuild({
            dockerfile: "docker/App.Dockerfile",
            buildArgs: [{ name: "BASE", value: IMAGE }, ...(word ? [{ name: "WORD", value: word }] : [])],
          })
          .file("/word")
          .contents();
      expect(await build()).toBe("default\n");
      expect(await build("given")).toBe("given\n");
    }));

  it("applies .dockerignore to the build context, but keeps the Dockerfile", () =>
    session(async ({ client }) => {
      const built = context(client, `FROM ${IMAGE}\nCOPY . /app\n`, {
        ".dockerignore": "# a comment\n*\n!src\nsrc/*.log\n",
        "src/a": "",
        "src/b.log": "",
        README: "",
      }).dockerBuild();
      // Docker reads the Dockerfile from the build context: it can't be left out.
      expect(await built.directory("/app").glob("**")).toEqual(["Dockerfile", "src/", "src/a"]);
    }));

  it("ends an error message with the output of the failing command", () =>
    session(async ({ client }) => {
      const dir = context(client, `FROM ${IMAGE}\nRUN echo fine\nRUN echo "no such package" && exit 7\n`);
      const error = await dir
        .dockerBuild()
        .sync()
        .catch((reason) => reason);
      expect(error).toBeInstanceOf(ExecError);
      expect(error).toMatchObject({ exitCode: 7, stderr: "no such package" });
      expect(error.message).toContain("exit code: 7");
      expect(error.message.trim()).toMatch(/no such package$/);
    }));

  it("reports a missing Dockerfile and an invalid line", () =>
    session(async ({ client }) => {
      await expect(client.directory().dockerBuild().sync()).rejects.toThrow("Dockerfile");
      await expect(context(client, `FROM ${IMAGE}\nRUNN x\n`).dockerBuild().sync()).rejects.toThrow(/RUNN/i);
    }));

  it("is a cache hit for the same context, and runs again for another", async () => {
    const build = (text: string): Promise<string[]> =>
      session(async ({ client, view }) => {
        await context(client, `FROM ${IMAGE}\nCOPY f /f\n`, { f: text }).dockerBuild().sync();
        return view.named("cached");
      });
    await build("1");
    expect(await build("1")).toHaveLength(1);
    expect(await build("2")).toHaveLength(0);
  });

  it("keeps the image's whole configuration, but steps write to its volumes", () =>
    session(async ({ client }) => {
      const built = context(
        client,
        `FROM ${IMAGE}\nVOLUME /data\nEXPOSE 8080/udp\nUSER nobody\nWORKDIR /data\nHEALTHCHECK --interval=3s CMD true\nONBUILD RUN echo x\nSHELL ["/bin/sh", "-ec"]\n`,
      ).dockerBuild();
      expect([await built.user(), await built.workdir()]).toEqual(["nobody", "/data"]);
      expect(await built.dockerHealthcheck().interval()).toBe("3s");
      expect(await built.dockerHealthcheck().timeout()).toBe("0s");
      const [port] = await built.exposedPorts();
      expect([await port?.port(), await port?.protocol()]).toEqual([8080, "UDP"]);
      // Docker does not commit what a step writes to a VOLUME.
      const wrote = built.withUser("root").withExec(["touch", "/data/kept"]);
      expect(await wrote.directory("/data").entries()).toEqual(["kept"]);
      const name = `test-config-${Date.now()}`;
      await wrote.exportImage(name);
      const { Config } = await docker.getImage(name).inspect();
      await docker.getImage(name).remove();
      expect(Config).toMatchObject({
        OnBuild: ["RUN echo x"],
        Shell: ["/bin/sh", "-ec"],
        Volumes: { "/data": {} },
        Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 3e9 },
      });
    }));

  it("passes a secret to a step that starts long after the build", () =>
    session(async ({ client }) => {
      const secret = client.setSecret("late", "late-secret-value");
      const dir = client
        .directory()
        .withNewFile(
          "Dockerfile",
          `FROM ${IMAGE}\nRUN echo ${Date.now()}; sleep 4\nRUN --mount=type=secret,id=late wc -c < /run/secrets/late > /size\n`,
        );
      expect(
        (
          await dir
            .dockerBuild({ secrets: [secret] })
            .file("/size")
            .contents()
        ).trim(),
      ).toBe("17");
    }));

  it("passes secrets to the steps that mount them, and stores none in the image", () =>
    session(async ({ client, view }) => {
      const secret = client.setSecret("token", "build-secret-value");
      const dir = context(
        client,
        `FROM ${IMAGE}\nRUN --mount=type=secret,id=token wc -c < /run/secrets/token > /size; cat /run/secrets/token; ls /run/secrets > /list || true\n`,
      );
      const built = dir.dockerBuild({ secrets: [secret] });
      expect(await built.file("/size").contents()).toBe("18\n");
      expect(
        await built
          .withExec(["sh", "-c", "cat /run/secrets/token 2>&1"], { expect: ReturnType.Any })
          .stdout(),
      ).not.toContain("build-secret");
      expect(view.lines.join("\n")).not.toContain("build-secret");
    }));

  it("gives a step that mounts it the SSH agent, and only then", async () => {
    const key = join(temporaryFolder(), "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "the agent's key", "-f", key]);
    const started = execFileSync("ssh-agent", ["-s"], { encoding: "utf8" });
    const [, path = ""] = /SSH_AUTH_SOCK=([^;]+)/.exec(started) ?? [];
    const [, pid = ""] = /SSH_AGENT_PID=(\d+)/.exec(started) ?? [];
    try {
      const SSH_AUTH_SOCK = path;
      execFileSync("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK } });
      await session(async ({ client }) => {
        // The agent's protocol: a request for its keys is the byte 11, after the length.
        const ask = String.raw`import os,socket;s=socket.socket(socket.AF_UNIX);s.connect(os.environ["SSH_AUTH_SOCK"]);s.sendall(b"\0\0\0\1\x0b");open("/keys","wb").write(s.recv(9999))`;
        // Docker's own cache does not see the mount.
        const text = `FROM python:3.12-slim-bookworm\nRUN echo ${Date.now()}\nRUN --mount=type=ssh python -c '${ask}'\n`;
        const dir = context(client, text);
        await expect(dir.dockerBuild().sync()).rejects.toThrow(/FileNotFoundError/);
        const ssh = client.host().unixSocket(path);
        const keys = dir.dockerBuild({ ssh }).withExec(["cat", "/keys"]);
        expect(await keys.stdout()).toContain("the agent's key");
      });
    } finally {
      process.kill(Number(pid));
    }
  });

  it("adds by URL what a running service has, without unpacking it", () =>
    session(async ({ client }) => {
      const serve = (content: string) =>
        client
          .container()
          .from("python:3.12-slim-bookworm")
          .withNewFile("/srv/made.tar", content)
          .withWorkdir("/srv")
          .withDefaultArgs(["python", "-m", "http.server", "80"])
          .withExposedPort(80)
          .asService()
          .withHostname("fileserver");
      const built = context(client, `FROM ${IMAGE}\nADD http://fileserver/made.tar /added/\n`);
      for (const content of ["first", "second"]) {
        const service = await serve(content).start();
        const dockerfile = `FROM ${IMAGE}\nADD http://fileserver/made.tar /added/\n# ${content}`;
        const container = context(client, dockerfile).dockerBuild();
        expect(await container.file("/added/made.tar").contents()).toBe(content);
        expect(await container.withExec(["stat", "-c%a", "/added/made.tar"]).stdout()).toBe("600\n");
        await service.stop();
      }
      await expect(built.dockerBuild().sync()).rejects.toThrow(/fileserver/);
    }));

  it("uses Docker's own frontend if no registry answers for the one that a Dockerfile names", () =>
    session(async ({ client, view }) => {
      const text = `# syntax=127.0.0.1:1/dockerfile:1\nFROM ${IMAGE}\nRUN --mount=type=cache,target=/c echo ${Date.now()} > /made\n`;
      expect(await context(client, text).dockerBuild().file("/made").contents()).toMatch(/^\d+\n$/);
      expect(view.lines.join("\n")).toContain("no registry answers for 127.0.0.1:1/dockerfile:1");
    }));

  it("keeps a cache mount's content between builds whose earlier steps differ", () =>
    session(async ({ client }) => {
      const count = (mark: string): Promise<string> =>
        context(
          client,
          `FROM ${IMAGE}\nRUN echo ${mark}\nRUN --mount=type=cache,target=/root/.cache/uv,id=${storePath} echo x >> /root/.cache/uv/f && wc -l < /root/.cache/uv/f > /count\n`,
        )
          .dockerBuild()
          .file("/count")
          .contents();
      expect([await count("one"), await count("two"), await count("one")]).toEqual(["1\n", "2\n", "1\n"]);
    }));

  it(
    "builds on Python and uv, and installs packages of Debian and of PyPI",
    () =>
      session(async ({ client }) => {
        const text = [
          "FROM python:3.12-slim-bookworm",
          "COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/uv",
          "RUN apt-get update && apt-get install -y --no-install-recommends libmagic1",
          "RUN --mount=type=cache,target=/root/.cache/uv uv pip install --system django==5.2.8",
          "CMD python -m django --version; ls /usr/lib/*/libmagic.so.1",
        ].join("\n");
        const output = await context(client, text).dockerBuild().withExec([]).stdout();
        expect(output).toMatch(/^5\.2\.8\n\/usr\/lib\/.*\/libmagic\.so\.1\n$/);
      }),
    10 * 60_000,
  );
});
