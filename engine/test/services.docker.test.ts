import { type Client, type Container, ReturnType, type Service } from "@dagger.io/dagger";
import Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { leftovers, python, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

const sh = (script: string): string[] => ["sh", "-c", script];

let count = 0;

/** A web server for its own folder; each is unique, so that no test reuses another test's service. */
function server(client: Client, files: Record<string, string> = {}, delay = 0): Container {
  let folder = client.directory();
  for (const [name, text] of Object.entries(files)) folder = folder.withNewFile(name, text);
  return client
    .container()
    .from(python)
    .withDirectory("/srv", folder)
    .withWorkdir("/srv")
    .withEnvVariable("NUMBER", String(++count))
    .withDefaultArgs(sh(`sleep ${delay}; exec python -u -m http.server 8000`))
    .withExposedPort(8000);
}

const get = (url: string): string[] => [
  "python",
  "-c",
  `import urllib.request as u; print(u.urlopen('http://${url}', timeout=5).read().decode(), end='')`,
];

describe("a service", () => {
  it("is reached by its alias, and is ready when the step starts", () =>
    session(async ({ client }) => {
      const web = server(client, { f: "served" }, 1).asService();
      const ran = client.container().from(python).withServiceBinding("web", web).withExec(get("web:8000/f"));
      expect(await ran.stdout()).toBe("served");
    }));

  it("does not hide what a step reaches without it: a container on Docker's own network", () =>
    session(async ({ client }) => {
      const other = await new Docker().createContainer({
        Image: python,
        Cmd: ["python", "-m", "http.server", "8000", "--directory", "/etc"],
      });
      try {
        await other.start();
        const { NetworkSettings } = await other.inspect();
        const step = client.container().from(python).withServiceBinding("web", server(client).asService());
        await step.withExec(sh("true")).sync();
        const ask = get(`${NetworkSettings.Networks.bridge?.IPAddress}:8000/hostname`);
        expect(await client.container().from(python).withExec(ask).stdout()).not.toBe("");
        expect(await step.withExec(ask).stdout()).not.toBe("");
      } finally {
        await other.remove({ force: true });
      }
    }));

  it("that fails ends the step at once, while another is still starting, and its words are the last", () =>
    session(async ({ client }) => {
      const slow = server(client, {}, 90).asService();
      const broken = server(client).withDefaultArgs(sh("echo the cause; exit 3")).asService();
      const step = client
        .container()
        .from(python)
        .withServiceBinding("slow", slow)
        .withServiceBinding("broken", broken);
      const started = Date.now();
      await expect(step.withExec(["true"]).sync()).rejects.toThrow(
        /^start \w+ \(aliased as broken\): exit code: 3: .*exit code: 3 before it was ready\nIts last lines:\nthe cause$/,
      );
      expect(Date.now() - started).toBeLessThan(60_000);
    }));

  it(
    "starts once for ten concurrent clients, and stops some seconds after the last",
    { timeout: 180_000 },
    () =>
      session(async ({ client, engine, view }) => {
        const web = server(client, { f: "x" }, 1).asService();
        const users = Array.from({ length: 10 }, (_, n) =>
          client
            .container()
            .from(python)
            .withEnvVariable("USER_NUMBER", String(n))
            .withServiceBinding("web", web)
            .withExec(get("web:8000/f"))
            .stdout(),
        );
        expect(await Promise.all(users)).toEqual(Array(10).fill("x"));
        expect(view.named("done").filter((name) => name.startsWith("service"))).toHaveLength(1);
        const containers = async () =>
          (await leftovers(engine.session.id)).filter((name) => name.startsWith("/"));
        // A step's container can outlive its result for a moment.
        await expect.poll(containers, { timeout: 60_000, interval: 100 }).toHaveLength(1);
        await expect.poll(containers, { timeout: 60_000, interval: 500 }).toEqual([]);
      }),
  );

  it("starts in parallel with the other bound services", () =>
    session(async ({ client, view }) => {
      const user = client
        .container()
        .from(python)
        .withServiceBinding("a", server(client, {}, 2).asService())
        .withServiceBinding("b", server(client, {}, 2).asService());
      await user.withExec(["true"]).sync();
      const services = view.events.filter(({ name }) => name.startsWith("service"));
      expect(services.map(({ state }) => state)).toEqual(["running", "running", "done", "done"]);
    }));

  it("can be bound to another service", () =>
    session(async ({ client }) => {
      const inner = server(client, { f: "inner" }).asService();
      const outer = server(client)
        .withServiceBinding("inner", inner)
        .withDefaultArgs(
          sh(
            `${get("inner:8000/f")
              .map((w) => `"${w}"`)
              .join(" ")} > /srv/f && exec python -m http.server 8000`,
          ),
        )
        .asService();
      const ran = client
        .container()
        .from(python)
        .withServiceBinding("outer", outer)
        .withExec(get("outer:8000/f"));
      expect(await ran.stdout()).toBe("inner");
    }));

  it("that exits before it is ready is reported with its last output", () =>
    session(async ({ client }) => {
      const broken = server(client).withDefaultArgs(sh("echo no such table >&2; exit 3")).asService();
      const user = client.container().from(python).withServiceBinding("db", broken).withExec(["true"]);
      const error = await user.sync().catch((reason) => reason);
      expect(error.message).toContain("exit code: 3");
      expect(error.message).toMatch(/no such table$/);
      for (const failed of [error, await broken.start().catch((reason) => reason)])
        expect(failed).toMatchObject({
          cmd: sh("echo no such table >&2; exit 3"),
          exitCode: 3,
          stdout: "",
          stderr: "no such table\n",
        });
    }));

  it("whose own service fails is reported with the cause of that failure", () =>
    session(async ({ client }) => {
      const broken = server(client).withDefaultArgs(sh("echo inner cause; exit 3")).asService();
      const outer = server(client).withServiceBinding("inner", broken).asService();
      const user = client.container().from(python).withServiceBinding("outer", outer).withExec(["true"]);
      await expect(user.sync()).rejects.toThrow("inner cause");
    }));

  it("that exits while it is in use fails the step", () =>
    session(async ({ client }) => {
      const short = server(client)
        .withDefaultArgs(sh("python -m http.server 8000 & sleep 2; echo out of memory; exit 9"))
        .asService();
      const started = Date.now();
      const base = client.container().from(python);
      const needing = base.withServiceBinding("db", short).asService({ args: ["sleep", "90"] });
      const user = (name: string, service: Service): Promise<Container> =>
        base.withServiceBinding(name, service).withExec(["sleep", "60"]).sync();
      const [direct, indirect] = await Promise.allSettled([user("db", short), user("app", needing)]);
      const cause = /bound service \w+ \(aliased as db\) exited .*exit code: 9[\s\S]*out of memory/;
      expect(direct).toMatchObject({ reason: { message: expect.stringMatching(cause) } });
      expect(indirect).toMatchObject({ reason: { message: expect.stringMatching(cause) } });
      expect(indirect).toMatchObject({
        reason: { message: expect.stringContaining("(aliased as app) exited") },
      });
      expect(Date.now() - started).toBeLessThan(30_000);
    }));

  it("is ready when its health check passes, instead of its ports", () =>
    session(async ({ client }) => {
      const slow = server(client)
        .withDefaultArgs(sh("python -m http.server 8000 & sleep 2; touch /ready; wait"))
        .withDockerHealthcheck(["test", "-e", "/ready"], { interval: "200ms", retries: 50 })
        .asService();
      const user = client.container().from(python).withServiceBinding("web", slow);
      expect(await user.withExec(sh("echo up")).stdout()).toBe("up\n");
      const shell = server(client).withDockerHealthcheck(["test $NUMBER -gt 0 && true"], { shell: true });
      await client
        .container()
        .from(python)
        .withServiceBinding("w", shell.asService())
        .withExec(["true"])
        .sync();
    }));

  it("fails with the output of its health check after the given number of retries", () =>
    session(async ({ client, view }) => {
      const sick = server(client)
        .withDockerHealthcheck(sh("echo try >> /tries; echo the disk is full; exit 1"), {
          interval: "100ms",
          retries: 3,
        })
        .asService();
      const user = client.container().from(python).withServiceBinding("web", sick).withExec(["true"]);
      await expect(user.sync()).rejects.toThrow(/healthcheck failed 3 times.*the disk is full/);
      expect(view.named("failed").some((name) => name.startsWith("service"))).toBe(true);
    }));

  it("fails if its health check times out", () =>
    session(async ({ client }) => {
      const stuck = server(client)
        .withDockerHealthcheck(["sleep", "60"], { interval: "100ms", timeout: "500ms", retries: 2 })
        .asService();
      const user = client.container().from(python).withServiceBinding("web", stuck).withExec(["true"]);
      await expect(user.sync()).rejects.toThrow("no answer within 0.5 s");
    }));

  it("gets its secrets, and they are masked in its output", () =>
    session(async ({ client, view }) => {
      const value = "s3rv1ce-p4ssw0rd";
      const web = server(client)
        .withSecretVariable("PASSWORD", client.setSecret("p", value))
        .withDefaultArgs(
          sh(
            'echo "it is $PASSWORD"; printf %s "$PASSWORD" | wc -c > /srv/f; exec python -m http.server 8000',
          ),
        )
        .asService();
      const user = client.container().from(python).withServiceBinding("web", web).withExec(get("web:8000/f"));
      expect((await user.stdout()).trim()).toBe(String(value.length));
      expect(view.lines).toContain("it is ***");
    }));

  it("is reached by its own hostname, and returns its endpoint", () =>
    session(async ({ client }) => {
      const web = server(client, { f: "named" }).asService().withHostname("my-web");
      expect(await web.hostname()).toBe("my-web");
      expect(await web.endpoint({ scheme: "http" })).toBe("http://my-web:8000");
      expect(await Promise.all((await web.ports()).map((port) => port.port()))).toEqual([8000]);
      await web.start();
      const user = client.container().from(python).withServiceBinding("other", server(client).asService());
      expect(await user.withExec(get("my-web:8000/f")).stdout()).toBe("named");
      await web.stop();
      const gone = user
        .withEnvVariable("AGAIN", "1")
        .withExec(get("my-web:8000/f"), { expect: ReturnType.Failure });
      expect(await gone.exitCode()).toBe(1);
    }));

  it("runs the given arguments, with the entry point only if useEntrypoint is set", () =>
    session(async ({ client }) => {
      const base = server(client, { f: "1", "sub/f": "2" }).withEntrypoint(["env", "-C", "/srv/sub"]);
      const serve = ["python", "-m", "http.server", "8000"];
      const read = (service: Container): Promise<string> => service.withExec(get("web:8000/f")).stdout();
      const user = client.container().from(python);
      expect(await read(user.withServiceBinding("web", base.asService({ args: serve })))).toBe("1");
      expect(
        await read(user.withServiceBinding("web", base.asService({ args: serve, useEntrypoint: true }))),
      ).toBe("2");
    }));

  it("is removed with its network and volumes when the session ends, even if it never became ready", async () => {
    const id = await session(async ({ client, engine }) => {
      const web = server(client)
        .withMountedDirectory("/data", client.directory().withNewFile("d", ""))
        .asService();
      await client.container().from(python).withServiceBinding("web", web).withExec(["true"]).sync();
      expect((await leftovers(engine.session.id)).length).toBeGreaterThan(1);
      const never = server(client, {}, 600).asService();
      client
        .container()
        .from(python)
        .withServiceBinding("never", never)
        .withExec(["true"])
        .sync()
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return engine.session.id;
    });
    expect(await leftovers(id)).toEqual([]);
  });

  it("whose health check was removed is ready when its port is", () =>
    session(async ({ client }) => {
      const web = server(client)
        .withDockerHealthcheck(["false"], { interval: "100ms", retries: 1 })
        .withoutDockerHealthcheck()
        .asService();
      await client.container().from(python).withServiceBinding("web", web).withExec(["true"]).sync();
    }));
});
