/** @module-tag slow */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Client, Service } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { python, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

function web(client: Client): Service {
  return client
    .container()
    .from(python)
    .withNewFile("/srv/f", "served")
    .withWorkdir("/srv")
    .withExposedPort(8000)
    .asService({ args: ["python", "-m", "http.server", "8000"] });
}

describe("a tunnel", () => {
  it("forwards a host port to a service until it is stopped", () =>
    session(async ({ client }) => {
      const tunnel = client.host().tunnel(web(client));
      await expect(tunnel.endpoint()).rejects.toThrow("start it");
      const open = await tunnel.start();
      const url = await open.endpoint({ scheme: "http" });
      expect(url).toMatch(/^http:\/\/localhost:\d+$/);
      expect(await (await fetch(`${url}/f`, { headers: { connection: "close" } })).text()).toBe("served");
      await open.stop();
      await expect(fetch(`${url}/f`)).rejects.toThrow();
    }));

  it("reports a chosen port that is in use", () =>
    session(async ({ client }) => {
      const taken = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => taken.once("listening", resolve));
      const { port } = taken.address() as AddressInfo;
      const tunnel = client.host().tunnel(web(client), { ports: [{ frontend: port, backend: 8000 }] });
      await expect(tunnel.start()).rejects.toThrow(`port ${port} of this machine is in use`);
      taken.close();
    }));
});

describe("a service on the host", () => {
  it("is reached from a container by its alias", async () => {
    const server = createServer((_request, response) => response.end("of this machine")).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await session(async ({ client }) => {
      const service = client.host().service([{ frontend: 9000, backend: port }], { host: "127.0.0.1" });
      const get =
        "import urllib.request as u; print(u.urlopen('http://outside:9000', timeout=5).read().decode())";
      const ran = client
        .container()
        .from(python)
        .withServiceBinding("outside", service)
        .withExec(["python", "-c", get]);
      expect(await ran.stdout()).toBe("of this machine\n");
    });
    server.close();
  });
});
