import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Engine } from "../../engine/src/engine.ts";
import { silentView } from "../../engine/src/session/progress.ts";
import { patternMatcher } from "../../engine/src/store/patterns.ts";
import { post } from "../../engine/test/support.ts";
import { functionsOfModule, root } from "../../scripts/lib/module.ts";
import { scratchFolder } from "./support.ts";

const secrets = [
  ".env",
  ".env.production",
  "conf/.env.prod",
  ".env.e",
  ".env.development",
  ".env.staging",
  ".env.test",
  ".env.external",
  ".env.sandbox",
  ".env-local",
  ".env_prod",
  ".envrc",
  ".envs/.production/.postgres",
  "prod.env",
  "secrets/POSTGRES_PASSWORD",
  "conf/server.pem",
  "conf/server.key",
  "client.p12",
  "client.pfx",
  "client.jks",
  "putty.ppk",
  "id_rsa",
  "keys/id_dsa",
  "keys/id_ecdsa",
  "keys/id_ed25519",
  "gcp-service-account-prod.json",
  "my_service_account.json",
  "credentials.json",
  "application_default_credentials.json",
  "client_secret_1.json",
  ".netrc",
  ".pgpass",
  ".git-credentials",
  ".pypirc",
  ".aws/credentials",
  "home/.ssh/config",
  ".kube/config",
  "kubeconfig",
  "prod.kubeconfig",
  "kubeconfig.yaml",
  ".docker/config.json",
  "infra/terraform.tfstate.backup",
];

const harmless = [
  "manage.py",
  "devops_001/env.py",
  "users/secrets.py",
  "users/secrets/views.py",
  "certificates/ca.crt",
  "keys.py",
  "id_rsa_test.py",
  "kubeconfig.py",
  "templates/credentials.html",
  ".docker/Dockerfile",
  "static/app.js",
];

const [everything, application, image, ...others] = readFileSync(join(root, ".dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
/** As if the application's folder were the context. */
const dockerignore = others.map((pattern) => pattern.replace(/^app\//, ""));

test("the build context has the application and the files of its image", () => {
  expect([everything, application, image]).toEqual(["*", "!app", "!ci/image"]);
});

/** The ignore lists of every Directory argument, as the SDK registers them, and that of the build context. */
async function ignoreLists(): Promise<{ name: string; patterns: readonly string[] }[]> {
  const lists = (await functionsOfModule()).flatMap(({ command, args }) =>
    args
      .filter(({ typeDef }) => typeDef.name === "Directory")
      .map(({ name, ignore }) => ({ name: `${command} --${name}`, patterns: ignore })),
  );
  return [...lists, { name: ".dockerignore", patterns: dockerignore }];
}

const loaded = ignoreLists();

describe("sources that are sent to the engine", () => {
  test("contain no secret and no Git folder, whichever function gets them", async () => {
    const lists = await loaded;
    expect(lists.length).toBeGreaterThan(30);
    const sent = lists.flatMap(({ name, patterns }) => {
      const ignores = patternMatcher(patterns);
      return [".git/config", "vendored/.git", ...secrets]
        .filter((path) => !ignores(path))
        .map((path) => `${name}: ${path}`);
    });
    expect(sent).toEqual([]);
  }, 180_000);

  test("contain everything else", async () => {
    const kept = (await loaded).flatMap(({ name, patterns }) => {
      const ignores = patternMatcher(patterns);
      return harmless.filter(ignores).map((path) => `${name}: ${path}`);
    });
    expect(kept).toEqual([]);
  }, 180_000);

  test("contain the files that name an application's variables", async () => {
    const lists = (await loaded).filter(({ name }) => name !== ".dockerignore");
    for (const { patterns } of lists)
      expect([".env.example", "conf/.env.sample", ".env-template"].filter(patternMatcher(patterns))).toEqual(
        [],
      );
  }, 180_000);

  test("contain a file that a pattern includes again", async () => {
    const [list] = await loaded;
    const ignores = patternMatcher([...(list?.patterns ?? []), "!certificates/ca.pem"]);
    expect([ignores("certificates/ca.pem"), ignores("certificates/key.pem")]).toEqual([false, true]);
  }, 180_000);
});

test("a canary in each secret does not reach the engine's store", async () => {
  const folder = scratchFolder();
  const mark = randomBytes(8).toString("hex");
  for (const path of ["ci/src", "ci/package.json", "dagger.json", "app", "scripts/host"])
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (from) => !/node_modules|__pycache__/.test(from),
    });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, ".git"));
  for (const path of [".git/config", ...secrets, ...secrets.map((path) => `app/${path}`)])
    write(join(folder, path), `canary-${mark}`);
  write(join(folder, "app/seen.txt"), `witness-${mark}`);

  const storePath = scratchFolder();
  // Without Docker the functions fail, after their arguments have been read.
  vi.stubEnv("DOCKER_HOST", "unix:///nowhere/docker.sock");
  const engine = new Engine({ view: silentView, workdir: folder, storePath });
  try {
    await engine.start(false);
    await engine.loadModule(folder);
    await post(engine, "{ stackline { lint } }");
    await post(engine, "{ stackline { test } }");
  } finally {
    vi.unstubAllEnvs();
    await engine.close();
  }
  const found = (text: string): string[] =>
    readdirSync(storePath, { recursive: true, encoding: "utf8" })
      .map((name) => join(storePath, name))
      .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
  expect(found(`witness-${mark}`).length).toBeGreaterThan(0);
  expect(found(`canary-${mark}`)).toEqual([]);
}, 300_000);

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

test("Git ignores the same secrets, but not their examples", () => {
  const ignored = execFileSync("git", ["check-ignore", "--no-index", "--stdin"], {
    cwd: root,
    encoding: "utf8",
    input: [...secrets, ...harmless, ".env.example"].join("\n"),
  });
  expect(ignored.trim().split("\n")).toEqual(secrets);
});
