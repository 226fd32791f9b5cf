import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Secret } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

const sh = (script: string): string[] => ["sh", "-c", script];
const newSecret = (): string => `s3cret-${randomBytes(12).toString("hex")}`;

/** Every file below a folder that contains a text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}

/** Configuration and history of every image created since `before`, as text. */
async function newImages(before: Set<string>): Promise<string> {
  const images = (await docker.listImages({ all: true })).filter(({ Id }) => !before.has(Id));
  const texts = images.map(async ({ Id }) => {
    const image = docker.getImage(Id);
    return JSON.stringify([await image.inspect(), await image.history()]);
  });
  return (await Promise.allSettled(texts)).map((r) => (r.status === "fulfilled" ? r.value : "")).join("\n");
}

async function imageIds(): Promise<Set<string>> {
  return new Set((await docker.listImages({ all: true })).map(({ Id }) => Id));
}

describe("a secret", () => {
  it("reaches the process as an environment variable, with any characters in it", () =>
    session(async ({ client }) => {
      for (const [i, value] of [
        "plain",
        "two\nlines\n",
        `q'uo"te$HOME\`x\`\\`,
        "ü €",
        " spaces ",
      ].entries()) {
        const ran = client
          .container()
          .from(IMAGE)
          .withSecretVariable("S", client.setSecret(`s${i}`, value))
          .withExec(sh("printf %s \"$S\" | od -An -tx1 -v | tr -d ' \\n'"));
        expect(Buffer.from(await ran.stdout(), "hex").toString()).toBe(value);
      }
    }));

  it("reaches the process as a file with the requested mode and owner", () =>
    session(async ({ client }) => {
      const secret = client.setSecret("s", "in the file");
      const base = client.container().from(IMAGE);
      const read = sh("stat -c '%a %U' /run/secret; wc -c < /run/secret");
      expect(await base.withMountedSecret("/run/secret", secret).withExec(read).stdout()).toBe(
        "400 root\n11\n",
      );
      const other = base.withMountedSecret("/run/secret", secret, { mode: 0o440, owner: "www-data" });
      expect(await other.withExec(read).stdout()).toBe("440 www-data\n11\n");
      await expect(base.withMountedSecret("/s", secret).file("/s").contents()).rejects.toThrow(
        "no such file or directory",
      );
    }));

  it("is in no image, image history or file of the store", async () => {
    const value = newSecret();
    const before = await imageIds();
    await session(async ({ client }) => {
      const secret = client.setSecret("s", value);
      const ran = client
        .container()
        .from(IMAGE)
        .withSecretVariable("S", secret)
        .withMountedSecret("/run/secrets/s", secret)
        .withMountedDirectory("/src", client.directory().withNewFile("f", "x"))
        .withExec(sh('echo "$S"; cat /run/secrets/s >&2; env; sleep 0.1'))
        .withExec(["ls", "/run/secrets"]);
      expect(await ran.stdout()).toBe("s\n");
      await ran.asTarball().sync();
      await ran.rootfs().sync();
      await ran
        .withExec(sh('echo "$S"; exit 1'))
        .sync()
        .catch(() => undefined);
    });
    expect(await newImages(before)).not.toContain(value);
    expect(filesWith(storePath, value)).toEqual([]);
  });

  it("is masked in output, errors and progress, even if it is written in two pieces", () =>
    session(async ({ client, view }) => {
      const value = newSecret();
      const base = client.container().from(IMAGE).withSecretVariable("S", client.setSecret("s", value));
      const split = `printf %s ${value.slice(0, 8)}; sleep 0.2; printf '%s!' ${value.slice(8)}`;
      expect(await base.withExec(sh('echo "<$S>"; sleep 0.5; echo "$S" >&2')).combinedOutput()).toBe(
        "<***>\n***\n",
      );
      expect(await base.withNewFile("/split", split).withExec(["sh", "/split"]).stdout()).toBe("***!");
      const error = await base
        .withExec(sh('echo "$S"; exit 1'))
        .sync()
        .catch((reason) => reason);
      expect(error.stdout).toBe("***");
      expect(view.lines.join("\n")).not.toContain(value);
    }));

  it("of several lines is masked value by value in output, errors, progress and a service's log", () =>
    session(async ({ client, view }) => {
      const value = newSecret();
      const secret = client.setSecret("lines", `NAME=short\nPASSWORD='${value}'\n`);
      const base = client.container().from(IMAGE).withMountedSecret("/run/lines", secret);
      const show = `. /run/lines; echo "B=$PASSWORD"; printf %s "$PASSWORD" | cut -c -9 | tr -d '\\n'; sleep 0.2; printf %s "$PASSWORD" | cut -c 10-`;
      expect(await base.withExec(sh(show)).stdout()).toBe("B=***\n***\n");
      const error = await base
        .withExec(sh(`${show}; exit 1`))
        .sync()
        .catch((reason) => reason);
      expect(error.stdout).toBe("B=***\n***");
      const service = base
        .withExposedPort(9)
        .withDefaultArgs(sh(`${show}; exit 1`))
        .asService();
      const reason = await service.start().catch((failure: unknown) => failure);
      expect(String(reason)).not.toContain(value);
      const lines = view.lines.join("\n");
      expect(lines).toContain("B=***");
      expect(lines).not.toContain(value);
      expect(filesWith(storePath, value)).toEqual([]);
    }));

  it("is not in the configuration of a running container", () =>
    session(async ({ client, engine }) => {
      const value = newSecret();
      const running = client
        .container()
        .from(IMAGE)
        .withSecretVariable("S", client.setSecret("s", value))
        .withExec(["sleep", "600"])
        .sync()
        .catch(() => undefined);
      const containers = () =>
        docker.listContainers({ filters: { name: [`stackline_${engine.session.id}`] } });
      await expect.poll(containers, { timeout: 60_000 }).toHaveLength(1);
      const container = docker.getContainer((await containers())[0]?.Id ?? "");
      expect(JSON.stringify(await container.inspect())).not.toContain(value);
      await container.kill();
      await running;
    }));

  it("of the host is part of the cache key by its value or cacheKey, not by its name", () =>
    session(async ({ client, view }) => {
      const run = (secret: Secret): Promise<unknown> =>
        client.container().from(IMAGE).withSecretVariable("S", secret).withExec(["echo", "rerun"]).sync();
      const value = newSecret();
      Object.assign(process.env, { TEST_ONE: value, TEST_TWO: value, TEST_THREE: newSecret() });
      await run(client.secret("env://TEST_ONE"));
      await run(client.secret("env://TEST_TWO"));
      expect(view.named("done")).toHaveLength(1);
      await run(client.secret("env://TEST_THREE"));
      expect(view.named("done")).toHaveLength(2);
      for (const name of ["TEST_ONE", "TEST_THREE"])
        await run(client.secret(`env://${name}`, { cacheKey: "the same" }));
      expect(view.named("done")).toHaveLength(3);
    }));

  it("from setSecret is part of the cache key by its name: a new value is still a cache hit", async () => {
    const run = (name: string, value: string): Promise<[string, number]> =>
      session(async ({ client, view }) => {
        const base = client.container().from(IMAGE);
        const secret = client.setSecret(name, value);
        const service = base
          .withMountedSecret("/s", secret)
          .withDefaultArgs(["sleep", "60"])
          .withDockerHealthcheck(["true"])
          .asService();
        const ran = base
          .withServiceBinding("service", service)
          .withSecretVariable("S", secret)
          .withExec(sh("date +%s%N; test -n $S"));
        return [await ran.stdout(), view.named("done").length];
      });
    const [first, steps] = await run("password", newSecret());
    expect(steps).toBeGreaterThan(0);
    expect(await run("password", newSecret())).toEqual([first, 0]);
    expect((await run("another", newSecret()))[0]).not.toBe(first);
  });

  it("set twice under one name has the right value in each service", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withMountedCache("/seen", client.cacheVolume("test-secrets-seen"));
      await base.withExec(sh(`: ${newSecret()}; rm -f /seen/*`)).sync();
      const values = [newSecret(), newSecret()];
      const mark = '"/seen/$(printf %s "$S" | sha256sum | cut -c -64)"';
      const start = (value: string): Promise<unknown> =>
        base
          .withSecretVariable("S", client.setSecret("twice", value))
          .withDefaultArgs(sh(`touch ${mark}; exec sleep 60`))
          .withDockerHealthcheck(sh(`ls ${mark}`))
          .asService()
          .start();
      await Promise.all(values.map(start));
      const sums = values.map((value) => createHash("sha256").update(value).digest("hex"));
      expect(await base.withExec(["ls", "/seen"]).stdout()).toBe(`${sums.sort().join("\n")}\n`);
    }));

  it("comes from an environment variable, a file or a command of the host", () =>
    session(async ({ client }) => {
      process.env.TEST_SECRET = "from env";
      const file = join(temporaryFolder(), "secret");
      writeFileSync(file, "from file");
      const texts = ["env://TEST_SECRET", "env:TEST_SECRET", `file://${file}`, "cmd://printf 'from cmd'"].map(
        (uri) => client.secret(uri).plaintext(),
      );
      expect(await Promise.all(texts)).toEqual(["from env", "from env", "from file", "from cmd"]);
      expect(await client.secret("env://TEST_SECRET").uri()).toBe("env://TEST_SECRET");
      const set = client.setSecret("name", "set");
      expect([await set.name(), await set.plaintext()]).toEqual(["name", "set"]);
      await expect(client.secret("vault://x").plaintext()).rejects.toThrow(/vault.*env:\/\//);
    }));

  it("need not be text: its bytes arrive unchanged as a file and on standard input", () =>
    session(async ({ client }) => {
      const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a, 0xc3, 0x28, 0xa0]);
      const file = join(temporaryFolder(), "key");
      writeFileSync(file, bytes);
      const ran = client
        .container()
        .from(IMAGE)
        .withMountedSecret("/file", client.secret(`file://${file}`))
        .withMountedSecret("/cmd", client.secret(`cmd://cat ${file}`))
        .withSecretVariable("S", client.secret("cmd://printf '\\377\\200'"))
        .withExec(sh('for f in /file /cmd -; do od -An -tx1 -v $f; done; printf %s "$S" | od -An -tx1'), {
          redirectStdin: "/file",
        });
      const lines = (await ran.stdout()).split("\n").map((line) => line.replaceAll(" ", ""));
      expect(lines).toEqual([...Array(3).fill(bytes.toString("hex")), "ff80", ""]);
    }));

  it("that is missing fails on first use, and the error shows no other secret", () =>
    session(async ({ client }) => {
      process.env.TEST_OTHER_SECRET = "never shown";
      const base = client
        .container()
        .from(IMAGE)
        .withSecretVariable("S", client.secret("env://TEST_NO_SUCH_SECRET"))
        .withSecretVariable("T", client.secret("env://TEST_OTHER_SECRET"));
      expect(await base.workdir()).toBe("/");
      const error = await base
        .withExec(["true"])
        .sync()
        .catch((reason) => reason);
      expect(error.message).toContain('secret env var not found: "TEST_NO_SUCH_SECRET"');
      expect(JSON.stringify(error)).not.toContain("never shown");
      const failing = client.secret("cmd://echo hidden; exit 7").plaintext();
      await expect(failing).rejects.toThrow(/exit code 7/);
      await expect(failing).rejects.not.toThrow(/hidden/);
    }));

  it("in a volatile variable is not stored in images", async () => {
    const value = newSecret();
    const before = await imageIds();
    await session(async ({ client }) => {
      const base = client.container().from(IMAGE).withVolatileVariable("V", value);
      expect(await base.withExec(sh(`echo ${"$"}V | wc -c`)).stdout()).toBe(`${value.length + 1}\n`);
    });
    expect(await newImages(before)).not.toContain(value);
  });
});
