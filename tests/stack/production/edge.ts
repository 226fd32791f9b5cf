import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { $ } from "zx";
import { deadline } from "../../deadline.ts";
import { PROJECT, type Production, sleep } from "../production.ts";
import { root } from "../tools.ts";

/** nginx in front of the application. */
export function edge(stack: () => Production): void {
  /** A response's head and body, requested by curl. */
  async function get(
    path: string,
    ...options: string[]
  ): Promise<{ status: number; head: string; body: string }> {
    const url = path.startsWith("http") ? path : `http://localhost${path}`;
    const ask = stack().daemon.inside("curl", "-sSik", "-m", "10", ...options, url);
    const { stdout } = await $({ nothrow: true, quiet: true })`${ask}`;
    const end = stdout.indexOf("\r\n\r\n");
    const head = stdout.slice(0, end).toLowerCase();
    return { status: Number(/^http\/\S+ (\d+)/.exec(head)?.[1] ?? 0), head, body: stdout.slice(end + 4) };
  }

  const stylesheet = async () => /href="(\S+\.css)"/.exec((await get("/checks/")).body)?.[1] ?? "none";

  describe("nginx", () => {
    test("serves static files by itself, cacheable for a year if their name has a content hash", async () => {
      const path = await stylesheet();
      await stack().run("stop", "app");
      const [static_, page] = [await get(path, "--compressed"), await get("/checks/")];
      expect(static_.status).toBe(200);
      expect(static_.head).toContain("content-type: text/css");
      expect(static_.head).toContain("content-encoding: gzip");
      expect(static_.head).toContain("cache-control: public, max-age=31536000, immutable");
      // 504 while nginx still uses the address that it resolved less than 2 s ago.
      expect([502, 504]).toContain(page.status);
      expect(page.body).toContain("Back in a moment");
      await stack().run("start", "app");
    });

    test("finds a recreated application container", async () => {
      await stack().run("up", "-d", "--no-deps", "--force-recreate", "app");
      while ((await stack().unhealthy()).length > 0) await sleep(200);
      const healthy = Date.now();
      while ((await get("/healthz/live")).status !== 200 && Date.now() - healthy < 60_000) await sleep(100);
      console.log(`the new container answers through nginx ${Date.now() - healthy} ms after it was healthy`);
      expect(Date.now() - healthy).toBeLessThan(deadline(3) * 1000);
    });

    test("shows the maintenance page while the switch is on", async () => {
      const control = join(root, "nginx", "maintenance", "on");
      writeFileSync(control, "");
      const during = await get("/checks/");
      rmSync(control);
      expect(during.status).toBe(503);
      expect(during.head).toContain("retry-after: 30");
      expect((await get("/checks/")).status).toBe(200);
    });

    test("limits an address to six login attempts at once, and does not limit requests for the form", async () => {
      const tries = [];
      for (let number = 0; number < 9; number += 1)
        tries.push((await get("/admin/login/", "-X", "POST")).status);
      expect(tries).toEqual([403, 403, 403, 403, 403, 403, 429, 429, 429]);
      expect((await get("/admin/login/")).status).toBe(200);
    });

    test("follows no link among the static files", async () => {
      const { Mountpoint } = JSON.parse(await stack().docker("volume", "inspect", `${PROJECT}_static`))[0];
      const links = `cd ${Mountpoint} && ln -sf /etc/passwd leak.txt && ln -sfn /etc leak && ln -sf /etc/passwd plain.css.gz && touch plain.css`;
      await $({ quiet: true })`${stack().daemon.inside("sh", "-c", links)}`;
      const file = await get("/leak.txt");
      const folder = await get("/leak/passwd");
      const compressed = await get("/plain.css", "--compressed");
      await $({
        quiet: true,
      })`${stack().daemon.inside("sh", "-c", `cd ${Mountpoint} && rm leak.txt leak plain.css plain.css.gz`)}`;
      expect([file.status, folder.status, compressed.status]).toEqual([404, 404, 200]);
      expect([file, folder, compressed].map(({ body }) => body).join()).not.toContain("root:");
    });

    test("refuses a body that is too large, and passes its request's id on", async () => {
      await $({ quiet: true })`head -c 11000000 /dev/zero > ${join(stack().daemon.folder, "large")}`;
      const large = await get("/orders/", "--data-binary", `@${join(stack().daemon.folder, "large")}`);
      expect(large.status).toBe(413);
      const id = /x-request-id: (\w+)/.exec((await get("/checks/")).head)?.[1] ?? "none";
      expect(
        await stack()
          .run("logs", "app")
          .then(({ stdout }) => stdout),
      ).toContain(id);
      expect(
        await stack()
          .run("logs", "nginx")
          .then(({ stdout }) => stdout),
      ).toContain(id);
    });

    test("serves TLS when it is given a certificate, and nothing but a redirection on port 80", async () => {
      const [TLS_CERTIFICATE, TLS_KEY] = ["certificate.pem", "key.pem"].map((name) =>
        join(stack().daemon.folder, name),
      ) as [string, string];
      await $({
        quiet: true,
      })`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:*.shop.example,DNS:named.example -keyout ${TLS_KEY} -out ${TLS_CERTIFICATE}`;
      // Nobody but nginx reads the key.
      await $({ quiet: true })`chown 101 ${TLS_KEY} && chmod 0400 ${TLS_KEY}`;
      await stack().runWith({ TLS_CERTIFICATE, TLS_KEY }, "up", "-d", "--no-deps", "nginx");
      while ((await stack().unhealthy()).length > 0) await sleep(200);
      const [plain, secure, old] = [
        await get("/checks/"),
        await get("https://localhost/checks/"),
        await get("https://localhost/checks/", "--tls-max", "1.1"),
      ];
      const hosts = ["www.shop.example", "named.example", "evil.example"].map((name) => `Host: ${name}`);
      const redirections = [];
      for (const host of hosts) redirections.push(await get("/a?b", "-H", host));
      const foreign = await get("https://localhost/checks/", "-H", "Host: evil.example");
      const alive = await get("https://localhost/healthz/live", "-H", "Host: 10.0.0.1");
      await stack().run("up", "-d", "--no-deps", "nginx");
      while ((await stack().unhealthy()).length > 0) await sleep(200);
      expect(plain.status).toBe(308);
      expect(plain.head).toContain("location: https://localhost/checks/");
      expect(secure.head).toMatch(/^http\/2 200/);
      expect(secure.head).toContain("strict-transport-security: max-age=31536000");
      expect(old.status).toBe(0);
      expect(redirections.map(({ status }) => status)).toEqual([308, 308, 421]);
      expect(redirections[0]?.head).toContain("location: https://www.shop.example/a?b");
      // Django refuses the name by itself.
      expect([foreign.status, alive.status]).toEqual([421, 400]);
    });
  });
}
