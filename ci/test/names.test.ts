import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../../scripts/lib/module.ts";
import { checkDeployment } from "../src/site/arguments.ts";
import { parseEnvironment } from "../src/site/environment.ts";
import { composeVariables, nearestName } from "../src/site/names.ts";
import { parseSecrets, secretNames } from "../src/site/secrets.ts";

const known = composeVariables(readFileSync(join(root, "docker-compose.prod.yml"), "utf8"));
const enough = "POSTGRES_DB=a\nPOSTGRES_USER=b\nPOSTGRES_PASSWORD=c\nSECRET_KEY=d\n";
const environment = (settings: object) =>
  parseEnvironment(
    "prod",
    JSON.stringify({
      host: "vm",
      user: "deploy",
      hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
      repository: "you/app",
      settings,
    }),
  );
const given = { username: "", image: "", commit: "", version: "", dryRun: true };

describe("names", () => {
  test.each([
    ["WEB_CONCURENCY", "WEB_CONCURRENCY"],
    ["WEBCONCURRENCY", "WEB_CONCURRENCY"],
    ["KAFKA_LOG_RETENTION_HOUR", "KAFKA_LOG_RETENTION_HOURS"],
    ["HTTP_PROT", "HTTP_PORT"],
    ["REDIS_PASSWRD", "REDIS_PASSWORD"],
    ["REDIS_PASS", "REDIS_PASSWORD"],
    ["POSTGRE_USER", "POSTGRES_USER"],
    ["SECRETKEY", "SECRET_KEY"],
  ])("%s is probably %s", (name, meant) => {
    expect(nearestName(name, [...known, ...secretNames])).toBe(meant);
  });

  test.each([
    "SMTP_PORT",
    "APP_TOKEN",
    "POSTGRES_DB2",
    "REDIS_URL",
    "DATABASE_URL",
    "SENTRY_DSN",
    "MAIL_HOST",
    "KAFKA_TOPIC",
  ])("%s is the application's own", (name) => {
    expect(nearestName(name, [...known, ...secretNames])).toBeUndefined();
  });
});

describe("an environment's settings", () => {
  test.each([
    [
      { WEB_CONCURENCY: "4" },
      /prod\.json: settings: nothing reads WEB_CONCURENCY: write WEB_CONCURRENCY, or/,
    ],
    [{ REDIS_PASSWORD: "x" }, /REDIS_PASSWORD has no effect here: it belongs in --secrets/],
    [
      { LOKI_RETENTION_HOURS: "x" },
      /nothing reads LOKI_RETENTION_HOURS: there are LOKI_IMAGE, LOKI_RETENTION/,
    ],
    [{ NGINX_WORKERS: "2" }, /nothing reads NGINX_WORKERS: there are NGINX_IMAGE/],
  ])("that nothing reads are refused before anything runs: %j", (settings, message) => {
    expect(() => checkDeployment(given, environment(settings), known)).toThrow(message);
  });

  test("are every variable of the compose file, and the application's own", () => {
    const settings = Object.fromEntries([...known, "SENTRY_RATE"].map((name) => [name, "1"]));
    expect(() => checkDeployment(given, environment(settings), known)).not.toThrow();
    expect(known).toContain("WEB_CONCURRENCY");
    expect(known).not.toContain("APP_IMAGE");
  });
});

describe("--secrets", () => {
  test.each([
    [
      "REDIS_PASSWRD=hidden",
      /^--secrets: line 5: nothing reads REDIS_PASSWRD: write REDIS_PASSWORD, or if it is the/,
    ],
    [
      "WEB_CONCURRENCY=hidden",
      /WEB_CONCURRENCY has no effect here: it belongs in "settings" of environments\/NAME/,
    ],
    ["GRAFANA_PASSPHRASE=hidden", /nothing reads GRAFANA_PASSPHRASE: there are GRAFANA_PASSWORD$/],
    ["redis_password=hidden", /line 5 is not NAME=VALUE, with the name in capital letters/],
  ])("that nothing reads are refused without their value: %s", (line, message) => {
    expect(() => parseSecrets(enough + line, known)).toThrow(message);
    expect(() => parseSecrets(enough + line, known)).not.toThrow(/hidden/);
  });

  test("can have names of the application's own", () => {
    expect(parseSecrets(`${enough}SENTRY_DSN=x`, known).get("SENTRY_DSN")).toBe("x");
  });
});
