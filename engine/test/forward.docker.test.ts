/** @module-tag slow */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Client, Container, Service } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { python, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

function web(client: Client): Container {
  return client.container().from(python).withNewFile("/srv/f", "served").withWorkdir("/srv");
}

function served(client: Client): Service {
  const args = ["python", "-m", "http.server", "8000"];
  return web(client).withExposedPort(8000).asService({ args });
}

const closing = { headers: { connection: "close" } };

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a tunnel", () => {
  it("forwards a host port to a service until it is stopped", () =>
    session(async ({ client }) => {
      const tunnel = client.host().tunnel(served(client));
      await expect(tunnel.endpoint()).rejects.toThrow("start it");
      const open = await tunnel.start();
      const url = await open.endpoint({ scheme: "http" });
      expect(url).toMatch(/^http:\/\/localhost:\d+$/);
      expect(await (await fetch(`${url}/f`, closing)).text()).toBe("served");
      await open.stop();
      await expect(fetch(`${url}/f`)).rejects.toThrow();
    }));

  it("opens the service's own ports beside the requested ones if it is native", () =>
    session(async ({ client }) => {
      const own = await freePort();
      const extra = await freePort();
      const serve = `python -m http.server ${own} & exec python -m http.server 8001`;
      const service = web(client)
        .withExposedPort(own)
        .asService({ args: ["sh", "-c", serve] });
      const tunnel = client
        .host()
        .tunnel(service, { native: true, ports: [{ frontend: extra, backend: 8001 }] });
      const open = await tunnel.start();
      expect(await Promise.all((await open.ports()).map((port) => port.port()))).toEqual([own, extra]);
      for (const port of [own, extra])
        expect(await (await fetch(`http://localhost:${port}/f`, closing)).text()).toBe("served");
      await open.stop();
    }));

  it("without any port fails at once, as does a service on the host", () =>
    session(async ({ client, view }) => {
      const silent = client.container().withDefaultArgs(["x"]).asService();
      await expect(client.host().tunnel(silent).id()).rejects.toThrow("no port");
      await expect(client.host().service([]).id()).rejects.toThrow("no ports");
      expect(view.named("done")).toEqual([]);
    }));

  it("reports a chosen port that is in use", () =>
    session(async ({ client }) => {
      const taken = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => taken.once("listening", resolve));
      const { port } = taken.address() as AddressInfo;
      const tunnel = client.host().tunnel(served(client), { ports: [{ frontend: port, backend: 8000 }] });
      await expect(tunnel.start()).rejects.toThrow(`port ${port} of this machine is in use`);
      taken.close();
    }));
});

describe("a service on the host", () => {
  const answer = async (text: string, host: string): Promise<{ port: number; close(): void }> => {
    const server = createServer((_request, response) => response.end(text)).listen(0, host);
    await once(server, "listening");
    return { port: (server.address() as AddressInfo).port, close: () => server.close() };
  };

  it("is reached by its alias and its own name, also by others with its port and if it listens everywhere", async () => {
    const one = await answer("one", "127.0.0.1");
    const two = await answer("two", "127.0.0.1");
    const wide = await answer("wide", "0.0.0.0");
    await session(async ({ client }) => {
      const service = (frontend: number, backend: number): Service =>
        client.host().service([{ frontend, backend }], { host: "127.0.0.1" });
      const first = service(9000, one.port);
      const urls = [
        "http://one:9000",
        await first.endpoint({ scheme: "http" }),
        "http://two:9000",
        `http://wide:${wide.port}`,
      ];
      const get =
        "import sys, urllib.request as u; print(*[u.urlopen(x, timeout=9).read().decode() for x in sys.argv[1:]])";
      const ran = client
        .container()
        .from(python)
        .withServiceBinding("one", first)
        .withServiceBinding("two", service(9000, two.port))
        .withServiceBinding("wide", service(wide.port, wide.port))
        .withExec(["python", "-c", get, ...urls]);
      expect(await ran.stdout()).toBe("one one two wide\n");
      // The engine itself knows a service by its name, if a download says so.
      const url = `${await first.endpoint({ scheme: "http" })}/f`;
      expect(await client.http(url, { experimentalServiceHost: first }).contents()).toBe("one");
      const repository = client.git(url, { experimentalServiceHost: first });
      await expect(repository.head().commit()).rejects.toThrow('does not contain ref "HEAD"');
    });
    for (const { close } of [one, two, wide]) close();
  });
});
