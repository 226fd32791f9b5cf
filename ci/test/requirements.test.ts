import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Directory } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { withMounts } from "../src/packaging/mounts.ts";
import { parseRequirements } from "../src/project/requirements.ts";
import { nameNetrc } from "../src/stack/netrc.ts";
import { checkRequirements } from "../src/stack/requirements.ts";
import { root } from "./support.ts";

/** The part of a Directory that the check uses. */
function folder(files: Record<string, string>): Directory {
  const isThere = (path: string): boolean =>
    Object.keys(files).some((name) => name === path || name.startsWith(`${path}/`));
  return {
    exists: async (path: string) => isThere(path.replace(/^\.\//, "").replace(/\/$/, "")),
    file: (path: string) => ({ contents: async () => files[path] ?? "" }),
  } as unknown as Directory;
}

const check = (files: Record<string, string>): Promise<void> =>
  checkRequirements(folder(files), ["requirements.txt"]);
const paths = (text: string): string[] => parseRequirements(text).paths.map(({ path }) => path);

describe("requirements with credentials are refused with file and line, and without the password", () => {
  const cases: [name: string, line: string][] = [
    ["an index", "--extra-index-url https://me:hunter2@pypi.example/simple"],
    ["an index on a continued line", "idna==3.7 \\\n  --index-url=https://me:hunter2@pypi.example/simple"],
    ["a token in a direct reference", "orders @ git+https://hunter2@git.example/orders.git"],
    ["variables, which no build step has", `--index-url https://\${USER}:\${hunter2}@pypi.example/simple`],
    ["a comment", "# --index-url https://me:hunter2@pypi.example/simple"],
  ];
  it.each(cases)("%s", async (_, line) => {
    const message = await check({ "requirements.txt": `idna\n${line}\n` }).then(String, String);
    expect(message).toMatch(/^Error: requirements\.txt:2: .*--netrc/);
    expect(message).not.toContain("hunter2");
    expect(message.split("\n")).toHaveLength(1);
  });

  it("in a nested file", async () => {
    const files = {
      "requirements.txt": "-r requirements/base.txt",
      "requirements/base.txt": "\n--requirement=private.txt",
      "requirements/private.txt": "-i https://me:hunter2@pypi.example/simple",
    };
    await expect(check(files)).rejects.toThrow(/^requirements\/private\.txt:1: /);
  });

  it("but not a user of SSH, a revision or an address", async () => {
    const text =
      "a @ git+ssh://git@git.example/a.git\nb @ git+https://git.example/b.git@v1\n-i https://pypi.example/\n";
    await expect(check({ "requirements.txt": text })).resolves.toBeUndefined();
  });
});

describe("what requirements name", () => {
  it("is a nested file, a constraint, an editable folder, a folder or an archive", () => {
    const text =
      "-r base.txt\n-c 'more constraints.txt'\n-e ./libs/a[x] ; python_version > '3'\n./libs/b#egg=b\nwheels/c-1-py3-none-any.whl --hash=sha256:00\nd @ https://host/d.whl\nDjango==4.2 # ./no\n--require-hashes\n--extra-index-url https://host/simple\n-c https://host/constraints.txt\n";
    expect(paths(text)).toEqual([
      "base.txt",
      "more constraints.txt",
      "./libs/a",
      "./libs/b",
      "wheels/c-1-py3-none-any.whl",
    ]);
  });

  it("is found in files with a byte order mark, Windows line ends, and UTF-16 as the API returns it", () => {
    expect(paths("\ufeff-r a.txt\r\n-r b.txt\r\n")).toEqual(["a.txt", "b.txt"]);
    expect(paths(Buffer.from("\ufeff-r a.txt\r\n-r b.txt", "utf16le").toString("utf8"))).toEqual([
      "a.txt",
      "b.txt",
    ]);
  });

  it("must exist: the message names file and line", async () => {
    const nested = { "requirements.txt": "\n-r r/base.txt", "r/base.txt": "# base\n-c constraints.txt" };
    await expect(check(nested)).rejects.toThrow("r/base.txt:2: no such file or directory: constraints.txt");
    await expect(check({ "requirements.txt": "-e ./libs/a" })).rejects.toThrow(
      "requirements.txt:1: no such file or directory: ./libs/a",
    );
    await expect(
      check({ "requirements.txt": "-e ./libs/a", "libs/a/setup.py": "" }),
    ).resolves.toBeUndefined();
  });

  it("must be inside the application's folder", async () => {
    await expect(check({ "requirements.txt": "-r ../shared/base.txt" })).rejects.toThrow(
      "requirements.txt:1: ../shared/base.txt is outside",
    );
  });

  it("may name itself in a circle", async () => {
    await expect(check({ "requirements.txt": "-r a.txt", "a.txt": "-r requirements.txt" })).resolves.toBe(
      undefined,
    );
  });
});

describe("logins for package indexes", () => {
  it("are mounted for every instruction that installs packages, beside the cache", () => {
    const dockerfile = readFileSync(join(root, "ci", "image", "Dockerfile"), "utf8");
    expect(dockerfile).not.toContain("--mount");
    const instructions = dockerfile.replaceAll("\\\n", "").split("\n");
    const installing = instructions.filter((line) => /^RUN .*(install\.py|\buv )/.test(line));
    const lines = (hasLogins: boolean): string[] => withMounts(dockerfile, hasLogins).split("\n");
    const mounted = lines(true).filter((line) => line.includes("--mount"));
    expect(mounted).toHaveLength(installing.length);
    expect(installing.length).toBeGreaterThan(3);
    for (const line of mounted)
      expect(line).toMatch(
        /^RUN --mount=type=cache,\S+ --mount=type=secret,id=netrc,target=\/root\/\.netrc /,
      );
    expect(lines(false).filter((line) => line.includes("type=secret"))).toEqual([]);
  });

  it("are refused in another format", async () => {
    const secret = { plaintext: async () => "me:hunter2" } as Parameters<typeof nameNetrc>[0];
    const message = await nameNetrc(secret).then(String, String);
    expect(message).toMatch(/^Error: --netrc: not in netrc format/);
    expect(message).not.toContain("hunter2");
  });
});
