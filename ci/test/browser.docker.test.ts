/** @module-tag slow */

/// <reference lib="dom" />
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { provideImage } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";
import { docker, ownContainers, root } from "./support.ts";

const site = "http://localhost:18080";
const debugPort = 18222;

let stack: ChildProcess;
/** Set when the stack is started; a process that exits early never emits another close event. */
let ended: Promise<unknown>;
let browserContainer: Docker.Container;
let browser: Browser;

beforeAll(async () => {
  const env = { ...process.env, STACKLINE_CACHE: inject("sharedCache"), STACKLINE_ENGINE: "embedded" };
  stack = spawn("scripts/dagger", ["call", "stack", "up", "--ports", "18080:80"], {
    cwd: root,
    env,
    stdio: "ignore",
  });
  ended = new Promise((resolve) => stack.once("close", resolve));
  const died = ended.then(() => {
    throw new Error("the stack ended before it answered");
  });
  await Promise.race([died, Promise.all([waitFor(`${site}/checks`), startBrowser()])]);
  died.catch(() => undefined);
});

afterAll(async () => {
  await browser?.close();
  await browserContainer?.remove({ force: true });
  stack.kill("SIGINT");
  await ended;
});

async function startBrowser(): Promise<void> {
  await provideImage(docker, images.chromium, () => undefined);
  browserContainer = await docker.createContainer({
    Image: images.chromium,
    Entrypoint: ["chromium-browser"],
    Cmd: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      `--remote-debugging-port=${debugPort}`,
    ],
    HostConfig: { NetworkMode: "host" },
  });
  await browserContainer.start();
  await waitFor(`http://localhost:${debugPort}/json/version`);
  browser = await chromium.connectOverCDP(`http://localhost:${debugPort}`);
}

async function waitFor(url: string): Promise<void> {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline)
      throw new Error(`${url} does not answer: ${answer?.status ?? "no connection"}`);
    await sleep(500);
  }
}

/** A new page, and the errors it reports. */
async function open(
  options: BrowserContextOptions,
): Promise<{ page: Page; complaints: string[]; close(): Promise<void> }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, complaints, close: () => context.close() };
}

/** Whether green is the strongest component of a CSS colour. */
function isGreen(colour: string): boolean {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return green > red && green > blue;
}

describe("/checks through nginx, in a browser", () => {
  for (const width of [390, 1280]) {
    for (const colorScheme of ["light", "dark"] as const) {
      test(`shows six green items at ${width} px, ${colorScheme}, and no errors`, async () => {
        const { page, complaints, close } = await open({ viewport: { width, height: 900 }, colorScheme });
        const response = await page.goto(`${site}/checks`);
        expect(response?.status()).toBe(200);
        expect(await page.locator("ol > li").count()).toBe(6);
        const colours = await page
          .locator("ol > li.green svg, ol > li.green [aria-hidden], ol > li.green")
          .evaluateAll((items) => items.map((item) => getComputedStyle(item).backgroundColor));
        expect(await page.locator("ol > li.green").count()).toBe(6);
        expect(colours.filter(isGreen).length).toBeGreaterThanOrEqual(6);
        // No horizontal scrolling on a phone.
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        expect(complaints).toEqual([]);
        await close();
      });
    }
  }

  test("uses the colour scheme of the browser", async () => {
    const background = async (colorScheme: "light" | "dark"): Promise<string> => {
      const { page, close } = await open({ colorScheme });
      await page.goto(`${site}/checks`);
      const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await close();
      return colour;
    };
    expect(await background("light")).not.toBe(await background("dark"));
  });
});

describe("the admin site through nginx", () => {
  test("accepts an administrator's login and serves its stylesheets", async () => {
    await createAdministrator("keeper", "a password for one test");
    const { page, complaints, close } = await open({});
    const styles: string[] = [];
    page.on(
      "response",
      (answer) => answer.url().endsWith(".css") && styles.push(answer.headers()["content-type"] ?? ""),
    );
    await page.goto(`${site}/admin/`);
    await page.fill("#id_username", "keeper");
    await page.fill("#id_password", "a password for one test");
    await page.click("input[type=submit]");
    expect(await page.locator("#user-tools").textContent()).toMatch(/keeper/i);
    expect(styles.length).toBeGreaterThan(0);
    expect(styles.every((type) => type.startsWith("text/css"))).toBe(true);
    expect(complaints).toEqual([]);
    await close();
  });
});

async function createAdministrator(name: string, password: string): Promise<void> {
  const containers = await ownContainers();
  const web = containers.find(
    ({ Command }) => Command.includes("entrypoint serve") || Command.includes(".stackline-env"),
  );
  const candidates = web ? containers.filter(({ Image }) => Image === web.Image) : containers;
  for (const { Id } of candidates) {
    const exec = await docker.getContainer(Id).exec({
      Cmd: [
        "sh",
        "-c",
        ". /dev/.stackline-env 2>/dev/null; exec python manage.py createsuperuser --no-input",
      ],
      Env: [
        `DJANGO_SUPERUSER_USERNAME=${name}`,
        `DJANGO_SUPERUSER_PASSWORD=${password}`,
        "DJANGO_SUPERUSER_EMAIL=keeper@example.org",
      ],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({});
    await new Promise((resolve) => stream.on("end", resolve).resume());
    if ((await exec.inspect()).ExitCode === 0) return;
  }
  throw new Error("no container of the stack could create an administrator");
}
