import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseEnvironment } from "../src/site/environment.ts";
import { releaseSettings } from "../src/site/release.ts";
import { pinImages, upstreamImages } from "../src/site/upstream.ts";
import { images, logStore } from "../src/versions.ts";

const compose = readFileSync(new URL("../../docker-compose.prod.yml", import.meta.url), "utf8");
const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;
const named = (settings: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(upstreamImages(compose, settings).map(({ setting, image }) => [setting, image]));

describe("the upstream images of a release", () => {
  test("are those of the compose file's services, without the application's and those of other profiles", () => {
    const { postgres, redis, kafka, nginx } = images;
    expect(named()).toEqual({
      POSTGRES_IMAGE: postgres,
      REDIS_IMAGE: redis,
      KAFKA_IMAGE: kafka,
      NGINX_IMAGE: nginx,
    });
  });

  test("include those of the profiles that the environment enables", () => {
    expect(named({ COMPOSE_PROFILES: "logs" })).toHaveProperty("COLLECTOR_IMAGE", images.collector);
    expect(named({ COMPOSE_PROFILES: "logs" })).not.toHaveProperty("LOKI_IMAGE");
    expect(named({ COMPOSE_PROFILES: "other,loki" })).toMatchObject({
      COLLECTOR_IMAGE: images.collector,
      LOKI_IMAGE: logStore.loki,
      GRAFANA_IMAGE: logStore.grafana,
    });
  });

  test("follow the environment's settings", () => {
    expect(named({ NGINX_IMAGE: "ghcr.io/you/nginx:2" })).toHaveProperty(
      "NGINX_IMAGE",
      "ghcr.io/you/nginx:2",
    );
  });

  test("are found in a compose file of another project, too", () => {
    const text = `services:\n  db:\n    image: "\${DB_IMAGE:-mysql:8}"\n# a comment\n  app:\n    image: \${APP_IMAGE:-you/app}\nvolumes:\n  image: \${X_IMAGE:-x}\n`;
    expect(upstreamImages(text, {})).toEqual([{ setting: "DB_IMAGE", image: "mysql:8" }]);
    expect(upstreamImages("", {})).toEqual([]);
  });
});

describe("pinning", () => {
  const all = [
    { setting: "NGINX_IMAGE", image: "nginx:1.28-bookworm" },
    { setting: "REDIS_IMAGE", image: `redis:7-alpine@${other}` },
  ];
  const nothing = (): void => undefined;

  test("adds the digest that the tag names now, and keeps one that is given", async () => {
    const ask = async (image: string): Promise<string> => `docker.io/library/${image}@${digest}`;
    expect(await pinImages(all, nothing, ask)).toEqual({
      NGINX_IMAGE: `nginx:1.28-bookworm@${digest}`,
      REDIS_IMAGE: `redis:7-alpine@${other}`,
    });
  });

  test("leaves the tag of an image that comes from no registry", async () => {
    const pinned = await pinImages(all, nothing, async (image) => image);
    expect(pinned.NGINX_IMAGE).toBe("nginx:1.28-bookworm");
  });

  test("leaves the tag, with the reason, if the registry does not answer", async () => {
    const lines: string[] = [];
    const ask = (): Promise<string> => Promise.reject(new Error("no such host\nmore"));
    const pinned = await pinImages(all, (line) => lines.push(line), ask);
    expect(pinned.NGINX_IMAGE).toBe("nginx:1.28-bookworm");
    expect(lines).toEqual(["nginx:1.28-bookworm has no digest: no such host"]);
  });

  test("reaches the machine, in place of a tag in the environment's settings", () => {
    const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
    const fields = {
      host: "vm",
      user: "deploy",
      hostKey,
      repository: "you/app",
      settings: { NGINX_IMAGE: "nginx:1" },
    };
    const upstream = { NGINX_IMAGE: `nginx:1@${digest}` };
    const options = { image: `you/app@${digest}`, upstream, backup: true, sent: 1 };
    const lines = releaseSettings(parseEnvironment("prod", JSON.stringify(fields)), options).split("\n");
    expect(lines.filter((line) => line.includes("_IMAGE="))).toEqual([
      `APP_IMAGE=you/app@${digest}`,
      `NGINX_IMAGE=nginx:1@${digest}`,
    ]);
  });
});
