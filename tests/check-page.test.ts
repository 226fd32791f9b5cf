import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./stack/tools.ts";

const NAMES = ["Static files (CSS)", "nginx", "PostgreSQL", "Redis", "Celery", "Kafka"];
const script = join(root, "ci/image/check_page.py");

const run = (...args: string[]): Promise<{ code: number; lines: string[]; stderr: string }> =>
  new Promise((done) => {
    const child = execFile("python3", ["-IS", script, ...args], (_, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split("\n"), stderr }),
    );
  });

/** What the script reports of a page with this stylesheet link and these items. */
async function reported(link: string, item: (name: string) => string, ...options: string[]) {
  const page = () => `<link rel=stylesheet href="${link}"><ol>${NAMES.map(item).join("\n")}</ol>`;
  const server = createServer((request, response) => {
    const isStyle = request.url?.startsWith("/static/") ?? false;
    response.setHeader("content-type", isStyle ? "text/css" : "text/html").end(isStyle ? "" : page());
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options);
  } finally {
    server.close();
  }
}

const green = (name: string) => `<li class="green"><h2>${name}</h2></li>`;
const others = ["nginx", "PostgreSQL", "Redis", "Celery", "Kafka"].map((name) => `ok   ${name}`);

test.each([
  ["/static/a.css", "ok   static files"],
  ["/static/with blank é.css", "ok   static files"],
  ["/checks/a.css", /^FAIL static files: \/checks\/a.css arrives with status 200 as text\/html/],
  ["ftp://localhost/a.css", "FAIL static files: ftp://localhost/a.css is not an http address"],
  ["data:text/css,a", "FAIL static files: data:text/css,a is not an http address"],
  ["http://[x/a.css", /^FAIL static files: http:\/\/\[x\/a.css cannot be requested/],
  ["http://elsewhere/a.css", "FAIL static files: http://elsewhere/a.css is on another host"],
])("a stylesheet at %s costs no other item its line", async (link, line) => {
  const { lines, stderr } = await reported(link, green);
  expect(stderr).toBe("");
  expect(lines[0]).toEqual(typeof line === "string" ? line : expect.stringMatching(line));
  expect(lines.slice(1)).toEqual(others);
});

test("a red item has its own reason, without its heading", async () => {
  const { code, lines } = await reported("/static/a.css", (name) => {
    if (name === "Redis") return `<li class=red><h2>Redis</h2> <p>It refuses\n connections</p></li>`;
    if (name === "Celery") return "<li class=red>The Celery worker is away</li>";
    return name === "Kafka" ? "<li>Kafka</li>" : green(name);
  });
  expect(code).toBe(1);
  expect(lines.slice(3)).toEqual([
    "FAIL Redis: It refuses connections",
    "FAIL Celery: The Celery worker is away",
    "FAIL Kafka: its item is not green, and gives no reason",
  ]);
});

test.each([
  "ftp://127.0.0.1",
  "localhost:80",
  "file:///etc",
  "http://127.0.0.1:1",
  "http://[x",
  "http://a b",
])("the address %s fails all six items, each with a line", async (address) => {
  const { code, lines, stderr } = await run(address);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(lines).toHaveLength(6);
  for (const line of lines) expect(line).toMatch(/^FAIL .* does not respond \(.+\)$/);
});

test("a server that speaks no HTTP fails all six items", async () => {
  const { createServer } = await import("node:net");
  const server = createServer((socket) => socket.on("error", () => {}).end("SSH-2.0-x\r\n"));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { lines, stderr } = await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
  expect(stderr).toBe("");
  expect(lines).toHaveLength(6);
});

test.each([
  [3, 0, "ok   Kafka"],
  [2, 1, "FAIL Kafka: It did not answer in time"],
])("an item that is red twice, then green, with %d tries", async (tries, exitCode, line) => {
  let looks = 0;
  const late = () =>
    `<li class="${looks > 2 ? "green" : "red"}"><h2>Kafka</h2> It did not answer in time</li>`;
  const { code, lines } = await reported(
    "/static/a.css",
    (name) => {
      if (name === "nginx") looks += 1;
      return name === "Kafka" ? late() : green(name);
    },
    `--tries=${tries}`,
  );
  expect([code, lines.at(-1)]).toEqual([exitCode, line]);
});

test("of several looks, the one with the fewest problems counts", async () => {
  let looks = 0;
  const { code, lines } = await reported(
    "/static/a.css",
    (name) => {
      if (name === NAMES[0]) looks += 1;
      const isRed = name === "Kafka" || looks !== 2;
      return isRed ? `<li class="red"><h2>${name}</h2> look ${looks}</li>` : green(name);
    },
    "--tries=3",
  );
  expect([code, lines.filter((line) => line.startsWith("FAIL"))]).toEqual([1, ["FAIL Kafka: look 2"]]);
});
