import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { root } from "../../scripts/lib/module.ts";
import { nineVariables } from "./contract-app.ts";

/** Runs scripts/secrets in a project with this application; the password may have been there before. */
function secretsFor(app: string, before?: string): { stderr: string; password: string; other: string } {
  const project = temporaryFolder();
  cpSync(join(root, "scripts"), join(project, "scripts"), { recursive: true });
  cpSync(app, join(project, "app"), { recursive: true });
  const folder = join(project, "secrets");
  mkdirSync(folder);
  if (before !== undefined) writeFileSync(join(folder, "REDIS_PASSWORD"), before);
  const { status, stderr } = spawnSync(join(project, "scripts/secrets"), [folder], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  return { stderr, password: read("REDIS_PASSWORD"), other: read("POSTGRES_PASSWORD") };
}

describe("scripts/secrets", () => {
  test("gives Redis a password if the application can use one", () => {
    expect(secretsFor(join(root, "app"))).toMatchObject({
      stderr: "",
      password: expect.stringMatching(/^\w{48}$/),
    });
  });

  test("gives it none if the application knows only the variables of the contract", () => {
    expect(secretsFor(nineVariables)).toEqual({
      stderr: "",
      password: "",
      other: expect.stringMatching(/^\w{48}$/),
    });
  });

  test("keeps a password, and says that the application may not be able to use it", () => {
    const { stderr, password } = secretsFor(nineVariables, "chosen");
    expect(password).toBe("chosen");
    expect(stderr).toMatch(
      /REDIS_PASSWORD has a password, but nothing in the application reads REDIS_PASSWORD/,
    );
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("an application can use a variable", () => {
  const cases: [isRead: boolean, path: string, text: string][] = [
    [true, "shop/settings.py", 'PASSWORD = os.environ["REDIS_PASSWORD"]'],
    [true, "shop/settings/production.py", "PASSWORD = env.str('REDIS_PASSWORD', default='')"],
    [false, "shop/settings.py", "# There is no REDIS_PASSWORD here.\n"],
    [false, "shop/settings.py", 'PASSWORD = os.environ["REDIS_PASSWORD_OLD"]'],
    [false, "shop/tests/test_redis.py", 'os.environ["REDIS_PASSWORD"] = "x"'],
    [false, "shop/test_redis.py", 'os.environ["REDIS_PASSWORD"] = "x"'],
    [false, ".venv/lib/other.py", 'os.environ["REDIS_PASSWORD"]'],
    [false, "README.md", 'os.environ["REDIS_PASSWORD"]'],
  ];
  test.each(cases)("if its sources name it: %s for %s with %j", (isRead, path, text) => {
    const folder = temporaryFolder();
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    const script = join(root, "scripts/lib/reads-variable");
    for (const [cwd, where] of [
      ["/", folder],
      [folder, "."],
    ] as const)
      expect(spawnSync(script, ["REDIS_PASSWORD", where], { cwd }).status).toBe(isRead ? 0 : 1);
  });
});
