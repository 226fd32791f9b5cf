import { expect, it } from "vitest";
import { hostPlatform, parsePlatform } from "../src/schema/platform.ts";
import { post, temporaryFolder, withSession } from "./support.ts";

const [system, architecture] = hostPlatform.split("/");

it.each([
  ["linux/amd64", "linux/amd64"],
  ["Linux/x86_64", "linux/amd64"],
  ["linux/arm/v7", "linux/arm/v7"],
  ["current", hostPlatform],
  ["linux", `linux/${architecture}`],
  ["aarch64", `${system}/arm64`],
])("the platform %s is %s", (text, platform) => {
  expect(parsePlatform(text)).toBe(platform);
});

it.each(["windows98", "", "linux/", "a/b/c/d", "linux amd64"])("%j is no platform", (text) => {
  expect(() => parsePlatform(text)).toThrow("unknown operating system or architecture");
});

it("a platform that does not exist is refused before anything is evaluated", () =>
  withSession({ storePath: temporaryFolder(), withDocker: false }, async ({ client, engine }) => {
    const wanted = "unknown operating system or architecture";
    await expect(client.container({ platform: "windows98" as never }).id()).rejects.toThrow(wanted);
    const query = "query A($p: Platform) { container(platform: $p) { id } }";
    const answer = await post(engine, { query, operationName: "", variables: { p: "windows98" } });
    expect(await answer.text()).toContain(wanted);
    expect(await client.container({ platform: "current" as never }).platform()).toBe(hostPlatform);
  }));
