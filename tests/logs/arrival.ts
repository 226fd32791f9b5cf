import { describe, expect, test } from "vitest";
import { arrange, parseFiles } from "../../ci/src/site/log-lines.ts";
import { canaries, PROJECT, sleep } from "../stack/production.ts";
import { dashboardNames } from "./dashboard.ts";
import { askMachine } from "./machine.ts";
import type { Stage } from "./stage.ts";
import type { Line } from "./store.ts";

const ORDER = JSON.stringify({ product: "a lamp", quantity: 1, unit_price: "2.50" });
const COMPONENTS = ["app", "worker", "nginx", "postgres", "redis", "kafka"];
const LABELS = { service_namespace: PROJECT, deployment_environment_name: "rehearsal" };

/** The log lines of the whole stack. */
export function arrival(stage: Stage): void {
  describe("the whole stack's lines", () => {
    let requestId = "";

    /** Seconds until a line of the service matches, or infinity after 20 s. */
    async function until(service: string, is: (line: Line) => boolean): Promise<number> {
      const started = Date.now();
      while (Date.now() - started < 20_000) {
        if ((await stage.store.read(service)).some(is)) return (Date.now() - started) / 1000;
        await sleep(100);
      }
      return Number.POSITIVE_INFINITY;
    }

    const sql = (text: string) =>
      stage.stack.docker("exec", `${PROJECT}_postgres_1`, "psql", "-qU", "postgres", "-c", text);

    /** Makes each component log a new, recognisable line. */
    const causes: Record<string, () => Promise<unknown>> = {
      app: placeOrder,
      postgres: () => sql("DO $$ BEGIN RAISE WARNING 'a marker with 7b1f'; END $$"),
      redis: () =>
        stage.stack.docker(
          "exec",
          `${PROJECT}_redis_1`,
          "sh",
          "-c",
          "REDISCLI_AUTH=$(cat /run/secrets/REDIS_PASSWORD) redis-cli bgrewriteaof",
        ),
      kafka: () =>
        stage.stack.docker(
          "exec",
          `${PROJECT}_kafka_1`,
          "/opt/kafka/bin/kafka-topics.sh",
          "--bootstrap-server",
          "localhost:9092",
          "--create",
          "--topic",
          "marker-7b1f",
        ),
    };

    async function placeOrder(): Promise<void> {
      const headers = [
        "-H",
        `Authorization: Bearer ${canaries.API_TOKEN}`,
        "-H",
        "Content-Type: application/json",
      ];
      const answer = await stage.onHost("curl", "-sSi", ...headers, "-d", ORDER, "http://localhost/orders/");
      requestId = /^x-request-id: (\S+)/im.exec(answer)?.[1] ?? "";
      expect(answer).toContain("201 Created");
    }

    const isNew: Record<string, (line: Line) => boolean> = {
      app: ({ fields }) => fields.request_id === requestId,
      worker: ({ fields }) => fields.request_id === requestId,
      consumer: ({ fields }) => fields.request_id === requestId,
      nginx: ({ fields }) => fields.request_id === requestId,
      postgres: ({ message }) => message.includes("7b1f"),
      redis: ({ message }) => message.includes("rewriting"),
      kafka: ({ message }) => message.includes("marker-7b1f"),
    };

    test("arrive within 5 s, from all six components", async () => {
      await stage.stack.up();
      await stage.begin(["store", "collector", "consumer"]);
      // Ready once the first order has passed through all services.
      for (let tries = 0; tries < 30; tries++) {
        await placeOrder();
        if ((await until("consumer", isNew.consumer as never)) < 10) break;
      }
      const seconds: Record<string, number> = {};
      for (const [cause, act] of Object.entries(causes)) {
        await act();
        const affected = cause === "app" ? ["app", "nginx", "worker", "consumer"] : [cause];
        const waits = affected.map(async (name) => {
          seconds[name] = await until(name, isNew[name] as never);
        });
        await Promise.all(waits);
      }
      console.log(
        Object.entries(seconds)
          .map(([name, time]) => `${name}: ${time.toFixed(1)} s`)
          .join(", "),
      );
      expect(Object.keys(seconds)).toEqual(expect.arrayContaining(COMPONENTS));
      expect(Object.entries(seconds).filter(([, time]) => time > 5)).toEqual([]);
    });

    test("carry project, service, environment and level, and nothing of another project", async () => {
      for (const service of COMPONENTS) {
        const lines = await stage.store.read(service);
        expect(lines.length, service).toBeGreaterThan(0);
        for (const { fields } of lines) {
          expect(fields).toMatchObject({ ...LABELS, service_name: service });
          expect(fields.level).toMatch(/^(debug|info|warn|error|fatal)$/);
          expect(fields.log_record_uid).toMatch(/^[0-9a-f]{12}std(out|err)-\d+-\d+$/);
        }
      }
      const marked = (await stage.store.read("postgres")).find(isNew.postgres as never);
      expect(marked?.fields.level).toBe("warn");
    });

    test("follow a request through nginx, the application, the worker and the consumer", async () => {
      await placeOrder();
      for (const service of ["nginx", "app", "worker", "consumer"]) {
        expect(await until(service, ({ fields }) => fields.request_id === requestId), service).toBeLessThan(
          10,
        );
      }
    });

    test("are read from the machine's own files where there is no store, and the answer says why", async () => {
      await placeOrder();
      await until("worker", isNew.worker as never);
      const now = BigInt(Date.now()) * 1_000_000n;
      const window = [String(now - 600_000_000_000n), String(now), "500", "backward"];
      const ask = (settings: string, service: string) =>
        askMachine(stage.stack.daemon.env.DOCKER_HOST, settings, ["{}", ...window, service]);
      const answer = await ask("", "");
      expect(answer).toMatch(/^files this environment's settings name no log store/);
      const lines = arrange(parseFiles(answer), 5000);
      const mine = lines.filter((line) => line.requestId === requestId).map(({ service }) => service);
      expect(new Set(mine)).toEqual(new Set(["nginx", "app", "worker", "consumer"]));
      expect(lines.every(({ at }, index) => index === 0 || at >= (lines[index - 1]?.at ?? at))).toBe(true);
      const away = await ask("COMPOSE_PROFILES=logs\nLOGS_ENDPOINT=http://nowhere:3100/otlp\n", "nginx");
      expect(away).toMatch(/^files the log store does not respond/);
      expect(new Set(parseFiles(away).map(({ service }) => service))).toEqual(new Set(["nginx"]));
    });

    test("hold no confidential value and no Authorization header, whoever prints one", async () => {
      const { API_TOKEN = "", POSTGRES_PASSWORD = "", REDIS_PASSWORD = "" } = canaries;
      const told = [
        `one ${API_TOKEN} and ${POSTGRES_PASSWORD}`,
        JSON.stringify({
          message: `two ${REDIS_PASSWORD}`,
          headers: { Authorization: "Basic Y2FuYXJ5OmNhbmFyeQ==" },
        }),
        "three Authorization: Bearer canary.elsewhere.77, password=canary-typed&x=1, redis://:canary-url@redis:6379",
      ];
      const script = "import sys\nfor line in sys.argv[1:]: print(line)";
      await stage.stack.run("run", "-d", "--no-deps", "--entrypoint", "python", "odd", "-c", script, ...told);
      await until("odd", ({ message }) => message.startsWith("three"));
      const lines = (await stage.store.read("odd")).filter(({ message }) =>
        /^(one|two|three) /.test(message),
      );
      expect(lines).toHaveLength(3);
      expect(JSON.stringify(lines)).not.toMatch(/canary|Y2FuYXJ5/);
      expect(lines.map(({ message }) => message).sort()).toEqual([
        "one *** and ***",
        "three Authorization: Bearer ***, password=***&x=1, redis://:***@redis:6379",
        "two ***",
      ]);
    });

    test("have the labels and fields that the dashboard asks for", async () => {
      const sent = new Set<string>();
      for (const service of [...COMPONENTS, "migrate"])
        for (const { fields } of await stage.store.read(service))
          for (const name of Object.keys(fields)) sent.add(name);
      const { labels, fields } = dashboardNames();
      console.log(`the dashboard names ${[...labels, ...fields].join(", ")}`);
      expect([...labels, ...fields].filter((name) => !sent.has(name))).toEqual([]);
      expect(
        (await stage.store.read("migrate")).some(({ message }) => message.includes("Running migrations")),
      ).toBe(true);
    });
  });
}
