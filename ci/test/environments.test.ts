import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parseEnvironment } from "../src/site/environment.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const schema = JSON.parse(read("environments/schema.json"));
const fitsSchema = new Ajv({ strict: false }).compile(schema);

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const least = { host: "vm.example.com", user: "deploy", hostKey, repository: "you/app" };
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
    expect(parseEnvironment("prod", JSON.stringify(least))).toEqual({
      ...least,
      name: "prod",
      port: 22,
      url: "",
      directory: "/srv/stackline",
      replicas: 1,
      keepReleases: 5,
      keepBackups: 10,
      settings: {},
    });
  });

  test.each([
    [{}, /host is missing/],
    [{ ...least, port: "22" }, /prod\.json: port is "22"; it has to be a whole number from 1 to 65535/],
    [{ ...least, hostKey: "SHA256:abc" }, /hostKey is "SHA256:abc".*ssh-keyscan/],
    [{ ...least, url: "shop.example.com" }, /url .*https:\/\/shop\.example\.com/],
    [{ ...least, hostkey: "x" }, /there is no field "hostkey": the fields are host, /],
    [{ ...least, settings: { web: "1" } }, /settings .*WEB_CONCURRENCY/],
    [{ ...least, settings: { WEB: "1\nAPP_IMAGE=x" } }, /settings/],
    [{ ...least, host: "vm -o ProxyCommand=x" }, /host is/],
    [{ ...least, directory: "/srv/x; rm -rf /" }, /directory is/],
  ])("%j is refused in one line that says what to write", (value, words) => {
    expect(() => parseEnvironment("prod", JSON.stringify(value))).toThrow(words);
    expect(fitsSchema(value)).toBe(false);
  });

  test("that is no JSON is refused with its name", () => {
    expect(() => parseEnvironment("prod", "{")).toThrow(/^environments\/prod\.json is not JSON: /);
    expect(() => parseEnvironment("prod", "[]")).toThrow("environments/prod.json has to hold one object");
  });

  test.each([
    { ...least, port: 2222, url: "https://shop.example.com:8443" },
    { ...least, keepReleases: 1 },
    { ...least, keepBackups: 0 },
    { ...least, replicas: 33 },
    { ...least, user: "Root" },
    { ...least, directory: "srv" },
    { ...least, repository: "https://x" },
    { ...least, hostKey: `ssh-dss ${"A".repeat(68)}` },
    { ...least, settings: { LOG_LEVEL: "DEBUG" } },
  ])("and schema.json say the same of %j", (value) => {
    expect(fits(value)).toBe(fitsSchema(value));
  });

  test("the examples lack nothing but the machine's own key, which nobody can guess", () => {
    for (const name of ["prod", "staging"]) {
      const example = JSON.parse(read(`environments/${name}.json`));
      expect(() => parseEnvironment(name, JSON.stringify(example))).toThrow(/hostKey is/);
      expect(fits({ ...example, hostKey })).toBe(true);
      expect(fitsSchema({ ...example, hostKey })).toBe(true);
    }
  });
});
