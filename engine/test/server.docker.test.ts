/** @module-tag slow */

import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { temporaryFolder, withSession } from "./support.ts";

it("keeps an idle client connection open beyond Node's default keep-alive timeout", () =>
  withSession({ storePath: temporaryFolder() }, async ({ engine }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const authorization = `Basic ${Buffer.from(`${engine.server.issueToken()}:`).toString("base64")}`;
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = {
          port: engine.server.port,
          path: "/query",
          method: "POST",
          agent,
          headers: { authorization },
        };
        const asked = request(options, (response) => {
          ports.add(asked.socket?.localPort);
          response.resume().on("end", () => resolve(response.statusCode));
        });
        asked.on("error", reject).end(JSON.stringify({ query: "{ version }" }));
      });
    const ports = new Set<number | undefined>();
    expect(await ask()).toBe(200);
    await sleep(6_500);
    expect(await ask()).toBe(200);
    expect(ports.size).toBe(1);
    agent.destroy();
  }));
