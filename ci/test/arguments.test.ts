import type { Secret } from "@dagger.io/dagger";
import { describe, expect, test } from "vitest";
import { checkDeployment, requireRate } from "../src/site/arguments.ts";
import { parseEnvironment } from "../src/site/environment.ts";

const file = {
  host: "vm.example.com",
  user: "deploy",
  hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
  repository: "you/app",
};
const environment = parseEnvironment("prod", JSON.stringify(file));
const digest = `sha256:${"a".repeat(64)}`;
// Only whether there is one matters here.
const password = {} as Secret;
const right = { username: "you", password, image: "", commit: "", version: "", dryRun: false };
const check = (given: object) => () => checkDeployment({ ...right, ...given }, environment, []);

describe("the arguments of deploy", () => {
  test.each([
    [{}],
    [{ commit: "a".repeat(40), version: "v1.4.2" }],
    [{ username: "", password: undefined, dryRun: true }],
    [{ username: "", password: undefined, image: `you/app@${digest}` }],
    [{ image: `ghcr.io/you/app:1.4@${digest}` }],
  ])("are accepted: %j", (given) => {
    expect(check(given)).not.toThrow();
  });

  test.each([
    [{ commit: "abc123" }, /"abc123" is not a commit's hash/],
    [{ commit: "HEAD" }, /is not a commit's hash/],
    [{ version: "1.4" }, /"1.4" is not a version/],
    [{ version: "1.4", dryRun: true }, /"1.4" is not a version/],
    [{ image: "you/app:1.4" }, /not a reference by digest/],
    [{ image: `You/App@${digest}` }, /not a reference by digest/],
    [{ image: `'you/app'@${digest}` }, /not a reference by digest/],
    [{ username: "" }, /--username and --password belong together/],
    [{ password: undefined }, /--username and --password belong together/],
    [
      { username: "", password: undefined },
      /deploy publishes the image first: give --username and --password/,
    ],
    [{ username: "you\nother" }, /--username "you\\nother" is not an account's name/],
  ])("are checked as a whole before anything runs: %j", (given, message) => {
    expect(check(given)).toThrow(message);
  });
});

describe("the rate of a rehearsal", () => {
  test.each([0, -1, 1.5, Number.NaN, 1e9])("is no %d", (rate) => {
    expect(() => requireRate(rate)).toThrow(/--rate .*: give a whole number of requests per second/);
  });
});
