import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Container } from "@dagger.io/dagger";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { docker, python, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

const PASSWORD = "proxy-word";
const asked: string[] = [];
/** A proxy that answers for every host itself. */
const proxy = createServer((request, response) => {
  asked.push(request.url as string);
  response.end("through the proxy");
});
let address: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => proxy.listen(0, resolve));
  // Docker names it only if it found the bridge when it started.
  const { IPAM } = await docker.getNetwork("bridge").inspect();
  const { Gateway, Subnet } = IPAM?.Config?.[0] ?? {};
  const gateway = Gateway ?? Subnet?.replace(/0\/\d+$/, "1");
  address = `http://me:${PASSWORD}@${gateway}:${(proxy.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked.splice(0);
  vi.stubEnv("HTTP_PROXY", address);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => {
  proxy.close();
});

let count = 0;
/** A command that reads a URL; each is unique, so that none is answered from the cache. */
const read = (url: string): string[] => [
  "python",
  "-c",
  `import urllib.request as u; print(u.urlopen('${url}', timeout=9).read().decode()) # ${process.pid}.${++count}`,
];
const sh = (script: string): string[] => ["sh", "-c", script];

/** The variables in the configuration of a container's image. */
async function variablesOf(container: Container): Promise<string> {
  const name = `stackline-test/proxies:${process.pid}`;
  await container.exportImage(name);
  try {
    const image = docker.getImage(name);
    return JSON.stringify([await image.inspect(), await image.history()]);
  } finally {
    await docker.getImage(name).remove({ noprune: true } as never);
  }
}

function cachedRecords(folder = "."): string[] {
  const files = readdirSync(join(storePath, "results", folder), { recursive: true, withFileTypes: true });
  return files
    .filter((item) => item.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), "utf8"));
}

/** The images that the steps of this test left in Docker. */
const stepImages = (): string[] => cachedRecords("execs").map((record) => JSON.parse(record).image);

describe("a container", () => {
  it("gets the proxies, but its image and the cache do not", () =>
    session(async ({ client }) => {
      const ran = client.container().from(python).withExec(read("http://files.example/a"));
      expect(await ran.stdout()).toBe("through the proxy\n");
      expect(asked).toEqual(["http://files.example/a"]);
      expect(await variablesOf(ran)).not.toMatch(/proxy/i);
      vi.stubEnv("HTTP_PROXY", "http://another.example:1");
      expect(await ran.withExec(sh("echo $HTTP_PROXY $http_proxy")).stdout()).toBe(
        "http://another.example:1 http://another.example:1\n",
      );
      for (const record of cachedRecords()) expect(record).not.toContain(PASSWORD);
      for (const image of stepImages()) {
        const { Config } = await docker.getImage(image).inspect();
        expect(JSON.stringify(Config)).not.toMatch(/proxy/i);
      }
    }));

  it("keeps its result when the proxy changes", async () => {
    const step = (): Promise<string[]> =>
      session(async ({ client, view }) => {
        await client.container().from(python).withExec(sh("echo one step")).sync();
        return view.named("cached");
      });
    await step();
    vi.stubEnv("HTTP_PROXY", "http://another.example:1");
    expect(await step()).toHaveLength(1);
  });

  it("does not show the password of a proxy", () =>
    session(async ({ client, view }) => {
      const ran = client
        .container()
        .from(python)
        .withExec(sh(`env # ${process.pid}`));
      expect(await ran.stdout()).toContain("HTTP_PROXY=http://me:***@");
      expect(view.lines.join("\n")).not.toContain(PASSWORD);
    }));

  it("reaches its services without the proxy", () =>
    session(async ({ client }) => {
      const server = client
        .container()
        .from(python)
        .withWorkdir("/srv")
        .withNewFile("f", "served")
        .withDefaultArgs(["python", "-m", "http.server", "8000"])
        .withExposedPort(8000)
        .asService();
      const ran = client
        .container()
        .from(python)
        .withServiceBinding("web", server)
        .withExec(read("http://web:8000/f"));
      expect(await ran.stdout()).toBe("served\n");
      expect(asked).toEqual([]);
    }));
});

describe("a build", () => {
  it("gets the proxies in its steps, and shows no password", () =>
    session(async ({ client, view }) => {
      const [, , program] = read("http://files.example/b");
      const text = `FROM ${python}\nRUN env && python -c "${program}" > /read\n`;
      const built = client.directory().withNewFile("Dockerfile", text).dockerBuild();
      expect(await built.file("/read").contents()).toBe("through the proxy\n");
      expect(asked).toEqual(["http://files.example/b"]);
      expect(view.lines.join("\n")).toContain("http://me:***@");
      expect(view.lines.join("\n")).not.toContain(PASSWORD);
      expect(await variablesOf(built)).not.toMatch(/proxy/i);
    }));

  it("that fails shows no password of a proxy", () =>
    session(async ({ client }) => {
      const text = `FROM ${python}\nRUN env; exit ${(process.pid % 100) + 2}\n`;
      const error = await client
        .directory()
        .withNewFile("Dockerfile", text)
        .dockerBuild()
        .sync()
        .catch((reason) => reason);
      expect(error.message).toContain("HTTP_PROXY=http://me:***@");
      expect(JSON.stringify([error.message, error.stderr, error.stdout])).not.toContain(PASSWORD);
    }));
});
