/** @module-tag slow */

import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { glob } from "zx";
import { detect } from "../../ci/src/project/detect.ts";
import type { Project } from "../../ci/src/project/project.ts";
import { COMPOSE, tailor, tailoringFor } from "../../ci/src/site/compose-file.ts";
import { canaries, directory, root, Vm } from "./machine.ts";
import { WebSocketClient } from "./web-socket.ts";

const vm = new Vm(inject("vm"));
const site = `http://${vm.shared.address}`;
const app = mkdtempSync(join(tmpdir(), "stackline-shop-"));
const secrets = { ...canaries, DJANGO_SECRET_KEY: "canary-django-5b7e" };
const variables = {
  SHOP_GREETING: "good morning, $USER",
  DJANGO_ALLOWED_HOSTS: `localhost,${vm.shared.address}`,
};
let image = "";
let project: Project;

beforeAll(async () => {
  cpSync(join(root, "ci/test/fixtures/projects/shop"), app, { recursive: true });
  const added = {
    processes: { consumer: "python manage.py consume" },
    release: ["migrate", "python manage.py check --deploy"],
  };
  writeFileSync(join(app, "stackline.json"), JSON.stringify(added));
  const paths = glob.sync("**/*", { cwd: app, dot: true });
  project = await detect({ paths, read: async (path) => readFileSync(join(app, path), "utf8") });
  image = await vm.publishApplication(app, "shop");
  await vm.removeSite();
});

afterAll(async () => {
  rmSync(app, { recursive: true });
  // The group's other files expect the site as it was.
  await vm.removeSite();
  const run = await vm.deploy({ image: vm.shared.releases.good ?? "" });
  expect(run.exitCode, run.stdall).toBe(0);
});

const deploy = (more: Record<string, string> = {}) =>
  vm.deploy({
    image,
    secrets,
    change: (folder) => {
      const compose = readFileSync(join(folder, COMPOSE), "utf8");
      writeFileSync(join(folder, COMPOSE), tailor(compose, tailoringFor(project, { ...variables, ...more })));
    },
  });
const read = async (path: string): Promise<string> => (await fetch(`${site}${path}`)).text();
/** The address of what the application has stored. */
async function upload(name: string, text: string): Promise<string> {
  const form = new FormData();
  form.append("file", new Blob([text]), name);
  const answer = await fetch(`${site}/upload/`, { method: "POST", body: form });
  return ((await answer.json()) as { url: string }).url;
}

const running = async (): Promise<string[]> =>
  (await vm.must(`docker ps --format '{{.Label "com.docker.compose.service"}}' | sort`)).trim().split("\n");

describe("a project with services, variables, secrets, uploads and processes of its own", () => {
  test("is deployed with what it uses, and verified by its parts", async () => {
    const run = await deploy();
    expect(run.exitCode, run.stdall).toBe(0);
    for (const part of [
      "web: /healthz/ answers 200",
      "static files: /static/site.css",
      "database: postgresql",
      "worker: answers",
    ])
      expect(run.stdout).toContain(`  ok   ${part}`);
    expect(run.stdout).toContain("release: python manage.py check --deploy");
    const services = await running();
    expect(services).toEqual(
      expect.arrayContaining(["app", "consumer", "nginx", "postgres", "redis", "worker"]),
    );
    for (const unused of ["kafka", "beat"]) expect(services).not.toContain(unused);
    expect(await read("/")).toBe("<h1>good morning, $USER</h1>");
    const first = Number(await read("/consumed/"));
    await vm.until(async () => Number(await read("/consumed/")) > first, "the consumer");
  });

  test("keeps uploads and open websockets over a deploy", async () => {
    const url = await upload("page.html", "<script>alert(1)</script>");
    const socket = await WebSocketClient.open(`${site}/ws/echo/`);
    expect(await socket.ask("before")).toBe("before");
    const deployed = deploy({ SHOP_GREETING: "good evening" });
    const served = vm.until(
      async () => (await read("/")) === "<h1>good evening</h1>",
      "the new release",
      240,
    );
    const first = await Promise.race([deployed, served]);
    expect(first?.stdall).toBeUndefined();
    expect(await socket.ask("after the switch")).toBe("after the switch");
    socket.close();
    const run = await deployed;
    expect(run.exitCode, run.stdall).toBe(0);
    const stored = await fetch(`${site}${url}`);
    expect(await stored.text()).toBe("<script>alert(1)</script>");
    expect(stored.headers.get("content-security-policy")).toContain("sandbox");
    expect(url).toMatch(/^\/media\/documents\/page.*\.html$/);
  });

  test("gets back uploads that were lost since a backup, and keeps newer ones", async () => {
    const text = "a report\n".repeat(1000);
    const lost = await upload("lost report.txt", text);
    const backup = await vm.stackline("backup");
    expect(backup.exitCode, backup.stdall).toBe(0);
    const newer = await upload("newer.txt", text);
    const second = await vm.stackline("backup");
    expect(second.stdout).toMatch(/uploads: (\d+), of which new: 1 /);
    // The same content, once.
    const sum = createHash("sha256").update(text).digest("hex");
    expect(await vm.must(`ls ${directory}/backups/uploads | grep -c ${sum}`)).toBe("1\n");
    const media = "/var/lib/docker/volumes/stackline_media/_data/public";
    await vm.must(`rm '${media}${decodeURI(lost)}'`, "root");
    expect((await fetch(`${site}${lost}`)).status).toBe(404);

    const [, name] = (await vm.stackline("backups")).stdout
      .trim()
      .split("\n")
      .slice(-2)
      .map((line) => line.split(" ")[0]);
    const drill = await vm.stackline("restore-drill");
    expect(drill.exitCode, drill.stdall).toBe(0);
    const restore = await vm.stackline(`restore ${name}`);
    expect(restore.exitCode, restore.stdall).toBe(0);
    expect(restore.stdout).toContain("uploads that were put back: 1");
    for (const url of [lost, newer]) expect(await read(url)).toBe(text);
    // The application still may replace and remove it.
    expect(await vm.must(`stat -c '%u %a' '${media}${decodeURI(lost)}'`, "root")).toBe("10001 644\n");
  });
});
