import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parseEnvironment } from "../src/site/environment.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const schema = JSON.parse(read("environments/schema.json"));
const fitsSchema = new Ajv({ strict: false }).compile(schema);

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const required = { host: "vm.example.com", user: "deploy", hostKey, repository: "you/app" };
const fits = (value: object): boolean => {
  try {
    parseEnvironment("prod", JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
};

describe("environments/*.json", () => {
  test("needs host, user, hostKey and repository, and has defaults for the rest", () => {
    expect(parseEnvironment("prod", JSON.stringify(required))).toEqual({
      ...required,
      name: "prod",
      port: 22,
      url: "",
      directory: "/srv/stackline",
      replicas: 1,
      keepReleases: 5,
      keepBackups: 10,
      containerPorts: [],
      appPatience: 120,
      requestGrace: 60,
      taskGrace: 300,
      diskLeast: 1024,
      lockTimeout: 2,
      statementTimeout: 0,
      migrationTries: 6,
      checkHost: "localhost",
      settings: {},
      variables: {},
    });
  });

  test.each([
    [{}, /host is missing/],
    [{ ...required, port: "22" }, /prod\.json: port is "22"; it must be a whole number from 1 to 65535/],
    [{ ...required, hostKey: "SHA256:abc" }, /hostKey is "SHA256:abc".*ssh-keyscan/],
    [{ ...required, url: "shop.example.com" }, /url .*https:\/\/shop\.example\.com/],
    [{ ...required, hostkey: "x" }, /there is no field "hostkey": the fields are host, /],
    [{ ...required, settings: { web: "1" } }, /settings .*WEB_CONCURRENCY/],
    [{ ...required, settings: { WEB: "1\nAPP_IMAGE=x" } }, /settings/],
    [{ ...required, containerPorts: [0] }, /containerPorts is \[0\]; it must be a list of ports/],
    [{ ...required, containerPorts: "9100" }, /containerPorts is/],
    [{ ...required, settings: { LOG_LEVEL: "DEBUG # for now" } }, /settings .*no " #"/],
    [{ ...required, settings: { LOG_LEVEL: "$LEVEL" } }, /settings .*no \$/],
    [{ ...required, settings: { LOG_LEVEL: '"DEBUG"' } }, /settings/],
    [{ ...required, settings: { LOG_LEVEL: "DEBUG " } }, /settings/],
    [{ ...required, settings: { LOG_LEVEL: "#" } }, /settings/],
    [{ ...required, appPatience: 5 }, /appPatience is 5; it must be a whole number from 10 to 3600/],
    [{ ...required, requestGrace: 0 }, /requestGrace is 0; it must be a whole number from 1 to 3600/],
    [{ ...required, taskGrace: "5m" }, /taskGrace is "5m"; it must be a whole number from 1 to 86400/],
    [{ ...required, diskLeast: "1" }, /diskLeast is/],
    [{ ...required, lockTimeout: 1 }, /lockTimeout is 1; it must be a whole number from 2 to 3600, or 0/],
    [{ ...required, lockTimeout: "2s" }, /lockTimeout is "2s"/],
    [{ ...required, statementTimeout: -1 }, /statementTimeout is -1; it must be a whole number from 0/],
    [{ ...required, migrationTries: 0 }, /migrationTries is 0/],
    [{ ...required, checkHost: "a b" }, /checkHost is/],
    [{ ...required, repository: "you/app:1" }, /repository is "you\/app:1".*lower case and without a tag/],
    [{ ...required, repository: "YOU/app" }, /repository is/],
    [{ ...required, host: "vm -o ProxyCommand=x" }, /host is/],
    [{ ...required, directory: "/srv/x; rm -rf /" }, /directory is/],
    [
      { ...required, directory: "/srv/../etc" },
      /directory is "\/srv\/\.\.\/etc"; it must be an absolute path without/,
    ],
    [{ ...required, directory: "/./srv" }, /directory is/],
    [{ ...required, directory: "/srv/.." }, /directory is/],
    [{ ...required, settings: { APP_IMAGE: "you/app:other" } }, /settings .*APP_, SECRETS_ or STACKLINE_/],
    [{ ...required, settings: { SECRETS_DIR: "/tmp" } }, /settings/],
    [{ ...required, settings: { STACKLINE_BACKUP: "no" } }, /settings/],
  ])("%j is rejected with a one-line message that says what is valid", (value, words) => {
    expect(() => parseEnvironment("prod", JSON.stringify(value))).toThrow(words);
    expect(fitsSchema(value)).toBe(false);
  });

  test("that is not JSON is rejected with its name", () => {
    expect(() => parseEnvironment("prod", "{")).toThrow(/^environments\/prod\.json is not JSON: /);
    expect(() => parseEnvironment("prod", "[]")).toThrow(
      "environments/prod.json must contain one JSON object",
    );
  });

  test.each([
    { ...required, port: 2222, url: "https://shop.example.com:8443" },
    { ...required, keepReleases: 1 },
    { ...required, keepBackups: 0 },
    { ...required, replicas: 33 },
    { ...required, containerPorts: [53, 9100] },
    { ...required, user: "Root" },
    { ...required, directory: "srv" },
    { ...required, directory: "/srv/.stackline/..a/b.c" },
    { ...required, settings: { APPLICATION: "x" } },
    { ...required, repository: "https://x" },
    { ...required, repository: "you/app:latest" },
    { ...required, repository: "You/app" },
    { ...required, repository: "ghcr.io/you/App" },
    { ...required, repository: "Registry.example.com:5000/you/app" },
    { ...required, hostKey: `ssh-dss ${"A".repeat(68)}` },
    { ...required, settings: { LOG_LEVEL: "DEBUG" } },
    { ...required, settings: { LOGS_ENDPOINT: "https://logs.example.com/#/a b", CELERY_QUEUES: "" } },
    { ...required, requestGrace: 3600, taskGrace: 86_400 },
    { ...required, requestGrace: 3601 },
    { ...required, taskGrace: 0 },
    { ...required, appPatience: 300, diskLeast: 0, checkHost: "shop.example.com:8080" },
  ])("the parser and schema.json agree on %j", (value) => {
    expect(fits(value)).toBe(fitsSchema(value));
  });

  test("the examples are complete except for the host key of the machine", () => {
    for (const name of ["prod", "staging"]) {
      const example = JSON.parse(read(`environments/${name}.json`));
      expect(() => parseEnvironment(name, JSON.stringify(example))).toThrow(/hostKey is/);
      expect(fits({ ...example, hostKey })).toBe(true);
      expect(fitsSchema({ ...example, hostKey })).toBe(true);
    }
  });
});
