import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Count, PhaseCount } from "../ci/src/rehearsal/load.ts";
import { root } from "../scripts/lib/module.ts";
import { deadline } from "./deadline.ts";

const started: (ChildProcess | Server)[] = [];
afterAll(() => {
  for (const each of started) {
    if (each instanceof Server) each.closeAllConnections();
    if (each instanceof Server) each.close();
    else each.kill();
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse, bytes: number) => void;

const answers: Answer = ({ url }, response, bytes) =>
  response.end(url === "/rehearsal/upload" ? String(bytes) : "1");

/** Starts a site, and the load on it without any rate. */
async function start(answer: Answer): Promise<(path: string) => Promise<unknown>> {
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => answer(request, response, bytes));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const generator = spawn("node", [join(root, "scripts/rehearse/load.mjs"), `127.0.0.1:${port}`, "0", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(server, generator);
  const [line] = await once(generator.stdout as NodeJS.ReadableStream, "data");
  return async (path) => (await fetch(`http://127.0.0.1:${Number(String(line))}/${path}`)).json();
}

/** Seconds of a machine that does nothing else, but 20 s at most. */
const sleep = (seconds: number) =>
  new Promise((wake) => setTimeout(wake, Math.min(deadline(seconds), 20) * 1000));

/** The counts of a few seconds of load. */
async function load(answer: Answer): Promise<{ phase: PhaseCount; kinds: Record<string, Count> }> {
  const ask = await start(answer);
  await ask("rate/20");
  await ask("phase/deploy");
  await sleep(6.5);
  await ask("stop");
  await sleep(4);
  const [phase] = (await ask("report")) as [PhaseCount];
  const kinds = (await ask("kinds")) as Count[];
  return { phase, kinds: Object.fromEntries(kinds.map((count) => [count.name, count])) };
}

test.concurrent("the load has pages on kept and on new connections, and uploads of 200 KB over 3 s, which arrive whole", async () => {
  const connections = new Map<unknown, number>();
  const sizes: number[] = [];
  const { phase, kinds } = await load((request, response, bytes) => {
    connections.set(request.socket, (connections.get(request.socket) ?? 0) + 1);
    if (request.method === "POST") sizes.push(bytes);
    answers(request, response, bytes);
  });
  expect(phase).toMatchObject({ failed: 0, maintenance: 0, reasons: {} });
  expect(Math.max(...connections.values())).toBeGreaterThan(10);
  expect([...connections.values()].filter((requests) => requests === 1).length).toBeGreaterThan(10);
  expect(new Set(sizes)).toEqual(new Set([200_000]));
  expect(kinds.upload?.sent).toBeGreaterThanOrEqual(2);
  expect(kinds.upload?.median).toBeGreaterThan(2900);
  // Neither they nor the slow pages count for the time of a page.
  expect([phase.median, phase.p99]).toEqual([kinds.page?.median, kinds.page?.p99]);
});

test.concurrent("an upload that does not arrive whole has failed", async () => {
  const { phase } = await load((request, response, bytes) =>
    answers(request, response, request.method === "POST" ? bytes - 1 : bytes),
  );
  expect(phase.reasons).toEqual({ "199999 bytes of an upload arrived": phase.failed });
  expect(phase.failed).toBeGreaterThanOrEqual(2);
});

test.concurrent("the maintenance page is counted, with the time for which it was shown", async () => {
  let first: number | undefined;
  const { phase } = await load((request, response, bytes) => {
    first ??= Date.now();
    const passed = Date.now() - first;
    if (passed > 2000 && passed < 4000) response.writeHead(503, { "retry-after": "30" });
    answers(request, response, bytes);
  });
  expect(phase.failed).toBe(0);
  expect(phase.maintenance).toBeGreaterThan(5);
  expect(phase.closed).toBeGreaterThan(1000);
  expect(phase.gap).toBeGreaterThan(1000);
});

test.concurrent("a site that does not answer gets no more than the pages of some seconds", async () => {
  const ask = await start(() => undefined);
  await ask("rate/50");
  await ask("phase/deploy");
  await sleep(6.5);
  const [phase] = (await ask("report")) as [PhaseCount];
  expect(phase.sent).toBeGreaterThan(50);
  expect(phase.sent).toBeLessThan(4 * 50 + 10);
  expect(phase.withheld).toBeGreaterThan(20);
});

test.concurrent("it measures what the site can serve", async () => {
  // Each of the eight clients waits 100 ms.
  const ask = await start((request, response, bytes) => setTimeout(answers, 100, request, response, bytes));
  const served = (await ask("measure")) as number;
  expect(served).toBeGreaterThan(5);
  expect(served).toBeLessThan(90);
});
