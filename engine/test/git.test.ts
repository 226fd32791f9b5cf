import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Client, GitRef, GitRepository } from "@dagger.io/dagger";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { TypeDefValue } from "../src/api/types.ts";
import type { CliArgument } from "../src/cli/model.ts";
import { parseArgument } from "../src/cli/values.ts";
import type { Call } from "../src/core/call.ts";
import type { DirectoryValue, FileValue } from "../src/core/values.ts";
import { post, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const root = temporaryFolder();
const session = <T>(use: (client: Client) => Promise<T>): Promise<T> =>
  withSession({ storePath, workdir: root, withDocker: false }, ({ client }) => use(client));

const identity = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@b",
};

function run(folder: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: root, ...identity };
  return execFileSync("git", args, { cwd: join(root, folder), env, encoding: "utf8" }).trim();
}

function commit(folder: string, files: Record<string, string>, message = "x"): string {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, folder, path), text);
  run(folder, "add", "-A");
  run(folder, "commit", "-qm", message);
  return run(folder, "rev-parse", "HEAD");
}

/** Answers as a server of Git does: with a program that Git has for it. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "", "http://x");
  if (pathname.startsWith("/private") && request.headers.authorization !== expected)
    return void response.writeHead(401, { "www-authenticate": "Basic" }).end();
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: pathname.replace("/private", ""),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
    },
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    const headers = all.subarray(0, end).toString().split("\r\n");
    const fields = headers.map((line): [string, string] => [
      line.split(": ")[0] ?? "",
      line.split(": ")[1] ?? "",
    ]);
    const { Status: status = "200", ...others } = Object.fromEntries(fields);
    response.writeHead(Number(status.slice(0, 3)), others).end(all.subarray(end + 4));
  });
}

const expected = `Basic ${Buffer.from("x-access-token:the token").toString("base64")}`;
const server = createServer(serve);
let url: string;
let first: string;
let main: string;
let other: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  mkdirSync(join(root, "app"));
  run("app", "init", "-q", "-b", "main");
  first = commit("app", { f: "1\n", ".gitignore": "*.log\n" });
  run("app", "tag", "v1.2.0");
  run("app", "checkout", "-qb", "feature/x");
  other = commit("app", { g: "other\n" });
  run("app", "checkout", "-q", "main");
  main = commit("app", { f: "2\n", run: "#!/bin/sh\n" });
  for (const tag of ["v1.10.0-rc.1", "v1.9.0", "unversioned"]) run("app", "tag", tag);
  run("app", "tag", "-am", "annotated", "v1.10.0");
  run(".", "clone", "-q", "--bare", "app", "app.git");
});
afterAll(() => server.close());

const repositories = [
  ["of a directory", (client: Client) => client.host().directory("app").asGit()],
  ["in a directory named .git", (client: Client) => client.host().directory("app").directory(".git").asGit()],
  ["in a bare directory", (client: Client) => client.host().directory("app.git").asGit()],
  ["of a server", (client: Client) => client.git(`${url}/app.git`)],
] as const;

const read = (ref: GitRef): Promise<string[]> => Promise.all([ref.ref(), ref.commit()]);

describe.each(repositories)("a repository %s", (_, open: (client: Client) => GitRepository) => {
  it("has branches, tags and commits, each named exactly", () =>
    session(async (client) => {
      const repository = open(client);
      const onMain = ["refs/heads/main", main];
      for (const ref of [repository.head(), repository.branch("main"), repository.ref("refs/heads/main")])
        expect(await read(ref)).toEqual(onMain);
      expect(await read(repository.ref("v1.2.0"))).toEqual(["refs/tags/v1.2.0", first]);
      expect(await read(repository.tag("v1.10.0"))).toEqual(["refs/tags/v1.10.0", main]);
      expect(await read(repository.latestVersion())).toEqual(["refs/tags/v1.10.0", main]);
      expect(await read(repository.commit(first))).toEqual([first, first]);
      expect(await repository.branches()).toEqual(["feature/x", "main"]);
      expect(await repository.tags({ patterns: ["v1.1*", "refs/tags/un[^a]*"] })).toEqual([
        "unversioned",
        "v1.10.0",
        "v1.10.0-rc.1",
      ]);
      await expect(repository.tag("main").commit()).rejects.toThrow(
        'repository does not contain ref "refs/tags/main"',
      );
      await expect(repository.commit("main").commit()).rejects.toThrow('invalid commit SHA: "main"');
    }));

  it("gives the files of a commit, with as much history as was asked for", () =>
    session(async (client) => {
      const repository = open(client);
      const tree = repository.branch("main").tree();
      expect(await tree.entries()).toEqual([".git/", ".gitignore", "f", "run"]);
      expect(await tree.file(".git/HEAD").contents()).toBe("ref: refs/heads/main\n");
      expect(await tree.file(".git/shallow").contents()).toBe(`${main}\n`);
      expect(await tree.asGit().tags()).toEqual([]);
      const bare = repository.tag("v1.2.0").tree({ discardGitDir: true });
      expect(await bare.entries()).toEqual([".gitignore", "f"]);
      expect(await bare.file("f").contents()).toBe("1\n");
      const whole = repository.commit(main).tree({ depth: 0, includeTags: true });
      expect(await whole.exists(".git/shallow")).toBe(false);
      expect(await whole.asGit().tags()).toHaveLength(5);
      expect(await whole.file(".git/HEAD").contents()).toBe(`${main}\n`);
      expect(await tree.asGit().uncommitted().isEmpty()).toBe(true);
    }));

  it("finds the common ancestor of two commits, also in another repository", () =>
    session(async (client) => {
      const repository = open(client);
      const branch = client.host().directory("app").asGit().branch("feature/x");
      expect(await branch.commit()).toBe(other);
      expect(await repository.head().commonAncestor(repository.branch("feature/x")).commit()).toBe(first);
      expect(await repository.head().commonAncestor(branch).ref()).toBe(first);
    }));
});

describe("a repository in a directory", () => {
  it("tells what is not committed; ignored files are no change", () =>
    session(async (client) => {
      const dir = client
        .host()
        .directory("app")
        .withNewFile("f", "3\n")
        .withNewFile("new/file", "")
        .withNewFile("a.log", "")
        .withoutFile("run");
      const changes = dir.asGit().uncommitted();
      expect(await changes.addedPaths()).toEqual(["new/", "new/file"]);
      expect(await changes.modifiedPaths()).toEqual(["f"]);
      expect(await changes.removedPaths()).toEqual(["run"]);
    }));

  it("runs none of its programs and reads no file of this machine", () =>
    session(async (client) => {
      const mark = join(root, "ran");
      const hostile = client
        .host()
        .directory("app")
        .withNewFile(".gitattributes", "* filter=x\n")
        .withNewFile(".git/hooks/post-checkout", `#!/bin/sh\ntouch ${mark}\n`, { permissions: 0o755 })
        .withNewFile(
          ".git/config",
          `[core]\n\tfsmonitor = touch ${mark}\n[filter "x"]\n\tsmudge = touch ${mark}\n\tclean = touch ${mark}\n`,
        )
        .withNewFile("f", "3\n");
      await hostile.asGit().uncommitted().modifiedPaths();
      await hostile.asGit().head().tree().entries();
      expect(existsSync(mark)).toBe(false);
      const borrowing = client
        .host()
        .directory("app")
        .withoutDirectory(".git/objects")
        .withNewFile(".git/objects/info/alternates", `${root}/app/.git/objects\n`);
      await expect(borrowing.asGit().head().tree().entries()).rejects.toThrow("git");
    }));

  it("must be one", () =>
    session(async (client) => {
      await expect(client.directory().asGit().head().commit()).rejects.toThrow("not a git repository");
    }));
});

describe("a repository of a server", () => {
  it("has its address, and is reached with a token or a header from a secret", () =>
    session(async (client) => {
      const address = `${url}/private/app.git`;
      const token = client.setSecret("token", "the token");
      const header = client.setSecret("header", expected);
      const opened = client.git(address, { httpAuthToken: token, keepGitDir: false });
      expect(await opened.url()).toBe(address);
      expect(await opened.head().tree().entries()).toEqual([".gitignore", "f", "run"]);
      expect(await client.git(address, { httpAuthHeader: header }).head().commit()).toBe(main);
      const refused = client.git(address.replace("//", "//user:word@")).head().commit();
      await expect(refused).rejects.toThrow(/^git ls-remote: /);
      await expect(refused).rejects.not.toThrow("word");
      await expect(client.git("file:///etc").head().commit()).rejects.toThrow('invalid protocol "file"');
      expect(await client.host().directory("app").asGit().url()).toBeNull();
    }));

  it("is reached with the login of the user's credential helper if it asks for one, but not by a function", async () => {
    const settings = join(temporaryFolder(), "gitconfig");
    const asked = join(temporaryFolder(), "asked");
    const answer = `cat >> ${asked}; echo username=x-access-token; echo password=the token`;
    writeFileSync(
      settings,
      `[credential "${url}"]\n\tuseHttpPath = true\n\thelper = "!f() { ${answer}; }; f"\n`,
    );
    vi.stubEnv("GIT_CONFIG_GLOBAL", settings);
    try {
      await withSession({ storePath, withDocker: false }, async ({ client, engine }) => {
        await client.git(`${url}/app.git`).head().commit();
        expect(existsSync(asked)).toBe(false);
        const address = `${url}/private/app.git`;
        const opened = client.git(address);
        expect(await opened.head().commit()).toBe(main);
        expect(await client.address(`${address}#main:f`).file().contents()).toBe("2\n");
        const questions = readFileSync(asked, "utf8").split("protocol=http\n").length - 1;
        expect([questions, readFileSync(asked, "utf8")]).toEqual([
          1,
          expect.stringContaining("path=private/app.git"),
        ]);
        const query = `{ git(url: "${address}") { head { commit } } }`;
        const refused = await post(engine, query, engine.server.issueToken("a-function"));
        expect(await refused.text()).toContain("errors");
      });
      vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
      await session(async (client) => {
        await expect(client.git(`${url}/private/app.git`).head().commit()).rejects.toThrow(
          /^git ls-remote: /,
        );
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("is fetched once for a commit: its files are the same in each session", async () => {
    const digest = (): Promise<string> =>
      session((client) => client.git(`${url}/app.git`).commit(main).tree().digest());
    expect(await digest()).toBe(await digest());
  });

  it("has an address for each revision and path", () =>
    session(async (client) => {
      const at = (text: string) => client.address(`${url}/app.git${text}`);
      expect(await at("#v1.2.0").directory().file("f").contents()).toBe("1\n");
      expect(await at("#main:f").file().contents()).toBe("2\n");
      expect(await at("#feature/x").gitRef().commit()).toBe(other);
      expect(await at("").gitRepository().head().commit()).toBe(main);
      expect(await client.address("app#feature/x").gitRef().commit()).toBe(other);
      await expect(at("#main").gitRepository().url()).rejects.toThrow("cannot contain ref");
      await expect(at("").file().contents()).rejects.toThrow("no file path");
    }));

  it("is what the command line takes for a directory or a file, too", () =>
    withSession({ storePath, withDocker: false }, async ({ engine }) => {
      const take = (name: string, text: string): Promise<unknown> => {
        const type = { kind: "OBJECT_KIND", name } as TypeDefValue;
        const source = { label: "--source", folder: root };
        return parseArgument(engine, { type, ignore: [] as string[] } as CliArgument, [text], source);
      };
      const { tree } = await engine.session.evaluate<DirectoryValue>(
        (await take("Directory", `${url}/app.git#v1.2.0`)) as Call,
      );
      expect(tree.list()).toEqual([".git/", ".gitignore", "f"]);
      const file = (await take("File", `${url}/app.git#main:f`)) as Call;
      expect((await engine.session.evaluate<FileValue>(file)).name).toBe("f");
    }));

  it("by ssh needs an agent, of which a function has none of the user's", () =>
    withSession({ storePath, withDocker: false }, async ({ engine }) => {
      const query = '{ git(url: "git@127.0.0.1:x/y.git") { head { commit } } }';
      const asked = await post(engine, query, engine.server.issueToken("a-function"));
      expect(await asked.text()).toContain("not supported without an SSH socket");
    }));
});
