import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { CacheSharingMode } from "@dagger.io/dagger";
import { afterAll, describe, expect, it } from "vitest";
import { docker, IMAGE, python, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

const sh = (script: string): string[] => ["sh", "-c", script];

const keys: string[] = [];

function newKey(): string {
  const key = `test-${randomBytes(6).toString("hex")}`;
  keys.push(key);
  return key;
}

afterAll(async () => {
  const { Volumes } = await docker.listVolumes({ filters: { label: ["dev.stackline.cache"] } });
  for (const { Name, Labels } of Volumes)
    if (keys.some((key) => Labels["dev.stackline.cache"]?.startsWith(key)))
      await docker.getVolume(Name).remove();
});

describe("a mounted directory", () => {
  it("is visible to steps, keeps their changes, and is not part of the image", () =>
    session(async ({ client }) => {
      const source = client.directory().withNewFile("in", "in").withNewFile("gone", "");
      const base = client.container().from(IMAGE).withMountedDirectory("/src", source);
      const after = base.withExec(
        sh("cp /src/in /src/out; rm /src/gone; mkdir -m 700 /src/dir; ln -s out /src/link"),
      );
      expect(await after.withExec(["cat", "/src/out"]).stdout()).toBe("in");
      expect(await after.directory("/src").entries()).toEqual(["dir/", "in", "link", "out"]);
      expect(await after.file("/src/link").contents()).toBe("in");
      const image = client.container().import_(after.asTarball());
      expect(await image.exists("/src/in")).toBe(false);
      expect(await after.rootfs().glob("src/*")).toEqual([]);
      // The source directory is unchanged.
      expect(await source.entries()).toEqual(["gone", "in"]);
    }));

  it("hides the image's files at its path, and files added there before", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withNewFile("/src/below", "below")
        .withMountedDirectory("/src", client.directory().withNewFile("above", ""));
      const ran = base.withExec(["ls", "/src"]);
      expect(await ran.stdout()).toBe("above\n");
      expect(await ran.withoutMount("/src").withExec(["cat", "/src/below"]).stdout()).toBe("below");
      const etc = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/etc/cron.d", client.directory().withNewFile("x", ""));
      expect(await etc.withExec(["ls", "/etc/cron.d"]).stdout()).toBe("x\n");
    }));

  it("has the given owner, and rejects writes if it is read-only", () =>
    session(async ({ client }) => {
      const source = client.directory().withNewFile("f", "f");
      const base = client.container().from(IMAGE);
      const owned = base.withMountedDirectory("/m", source, { owner: "www-data" });
      expect(await owned.withExec(["stat", "-c", "%U:%G", "/m", "/m/f"]).stdout()).toBe(
        "www-data:www-data\n".repeat(2),
      );
      const fixed = base.withMountedDirectory("/m", source, { readOnly: true });
      expect(await fixed.withExec(["cat", "/m/f"]).stdout()).toBe("f");
      await expect(fixed.withExec(["touch", "/m/g"]).sync()).rejects.toMatchObject({
        stderr: expect.stringContaining("Read-only file system"),
      });
    }));

  it("has its own mode, and dates of today on what was made today", () =>
    session(async ({ client }) => {
      const folder = client
        .directory()
        .withNewDirectory("p", { permissions: 0o700 })
        .withNewFile("p/new", "")
        .withNewFile("p/old", "")
        .directory("p");
      const base = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/m", folder)
        .withDirectory("/copy", folder)
        .withMountedFile("/file", client.file("f", "").withTimestamps(500_000_000));
      const ran = base.withExec(sh("stat -c %a /m /copy; find /m /copy -mtime +1; stat -c %Y /file"));
      expect(await ran.stdout()).toBe("700\n700\n500000000\n");
      // Steps keep it, and it is what they give it.
      const changed = base.withExec(sh("chmod 711 /m"));
      expect(await changed.stat("/m").permissions()).toBe(0o711);
      expect(await changed.withExec(["stat", "-c", "%a", "/m"]).stdout()).toBe("711\n");
    }));

  it("accepts files that are added later", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/m", client.directory())
        .withNewFile("/m/sub/new", "new", { permissions: 0o600 });
      expect(await base.withExec(sh("cat /m/sub/new; stat -c %a /m/sub/new")).stdout()).toBe("new600\n");
      expect(await base.withoutMount("/m").exists("/m/sub/new")).toBe(false);
    }));

  it("does not mix its content with that of nested mounts", () =>
    session(async ({ client }) => {
      const key = newKey();
      const value = `v-${randomBytes(12).toString("hex")}`;
      const source = client.directory().withNewFile("f", "").withNewFile("cache/own", "own");
      const ran = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/src", source)
        .withMountedCache("/src/cache", client.cacheVolume(key))
        .withMountedSecret("/src/.secret", client.setSecret("s", value))
        .withMountedTemp("/src/tmp")
        .withExec(sh("ls /src/cache; echo cached > /src/cache/c; wc -c < /src/.secret; echo 1 > /src/tmp/t"));
      expect(await ran.stdout()).toBe(`${value.length}\n`);
      expect(await ran.directory("/src").glob("**")).toEqual(["cache/", "cache/own", "f"]);
    }));

  it("holds thousands of files", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/m", client.directory())
        .withExec(sh("cd /m; i=0; while [ $i -lt 3000 ]; do echo $i > f$i; i=$((i+1)); done"));
      expect(await base.withExec(sh("ls /m | wc -l")).stdout()).toBe("3000\n");
    }));
});

describe("a mounted file", () => {
  it("is read and written in place, and is not part of the image", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withMountedFile("/etc/conf", client.file("conf", "one", { permissions: 0o640 }));
      const after = base.withExec(sh("stat -c %a /etc/conf; cat /etc/conf; echo two >> /etc/conf"));
      expect(await after.stdout()).toBe("640\none");
      expect(await after.file("/etc/conf").contents()).toBe("onetwo\n");
      expect(await after.withoutMount("/etc/conf").file("/etc/conf").size()).toBe(0);
    }));

  it("has the given owner and mode, and keeps those that a step gives it", () =>
    session(async ({ client }) => {
      const file = client.file("key", "one", { permissions: 0o600 });
      const base = client.container().from(IMAGE).withMountedFile("/key", file, { owner: "www-data" });
      const stat = sh("stat -c '%a %U:%G' /key; cat /key");
      expect(await base.withExec(stat).stdout()).toBe("600 www-data:www-data\none");
      const changed = base.withExec(sh("echo two > /key; chown mail:mail /key; chmod 400 /key"));
      expect(await changed.withExec(stat).stdout()).toBe("400 mail:mail\ntwo\n");
    }));

  it("can cover a file of the image", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE).withMountedFile("/etc/issue", client.file("x", "mine"));
      expect(await base.withExec(["cat", "/etc/issue"]).stdout()).toBe("mine");
      expect(await base.withNewFile("/etc/issue", "newer").withExec(["cat", "/etc/issue"]).stdout()).toBe(
        "newer",
      );
    }));
});

describe("a mounted socket", () => {
  it("has the given owner, is on top like a secret, and leaves nothing behind", async () => {
    const path = join(temporaryFolder(), "s");
    const server = createServer((client) => client.end("hello"));
    await once(server.listen(path), "listening");
    await session(async ({ client }) => {
      const base = client
        .container()
        .from(python)
        .withUnixSocket("/new/s", client.host().unixSocket(path), { owner: "www-data" })
        .withMountedSecret("/secret", client.setSecret("s", "the secret"))
        .withMountedFile("/secret", client.file("f", "a file"));
      const read =
        "import socket; s=socket.socket(socket.AF_UNIX); s.connect('/new/s'); print(s.recv(9).decode())";
      const ran = base.withExec(sh(`stat -c %U /new/s; python -c "${read}"; wc -c < /secret`));
      expect(await ran.stdout()).toBe("www-data\nhello\n10\n");
      expect(await ran.withoutUnixSocket("/new/s").exists("/new/s")).toBe(false);
      expect(await ran.withoutUnixSocket("/other").withExec(["ls", "/new"]).stdout()).toBe("s\n");
    });
    server.close();
  });
});

describe("a cache volume", () => {
  it("keeps its content between steps and sessions, and is not part of the cache key", async () => {
    const key = newKey();
    const add = (n: string): Promise<string> =>
      session(({ client }) =>
        client
          .container()
          .from(IMAGE)
          .withMountedCache("/cache", client.cacheVolume(key))
          .withExec(sh(`echo ${n} >> /cache/log; cat /cache/log`))
          .stdout(),
      );
    expect(await add("1")).toBe("1\n");
    expect(await add("2")).toBe("1\n2\n");
    expect(await add("1")).toBe("1\n");
  });

  it("is initialised from its source directory, with the given owner", () =>
    session(async ({ client }) => {
      const key = newKey();
      const ran = client
        .container()
        .from(IMAGE)
        .withMountedCache("/c", client.cacheVolume(key), {
          source: client.directory().withNewFile("seed", "seed"),
          owner: "www-data",
        })
        .withExec(sh("cat /c/seed; stat -c %U /c"));
      expect(await ran.stdout()).toBe("seedwww-data\n");
    }));

  it("is another one with another owner or source, also if its key is known", () =>
    session(async ({ client }) => {
      const cache = client.cacheVolume(newKey());
      const base = client.container().from(IMAGE);
      const look = sh("stat -c %u /c; ls /c; touch /c/seen");
      const plain = base.withMountedCache("/c", cache).withExec(look);
      expect(await plain.stdout()).toBe("0\n");
      // A folder with a mode of its own.
      const source = client
        .directory()
        .withNewDirectory("d", { permissions: 0o745 })
        .directory("d")
        .withNewFile("f", "");
      const owned = base
        .withMountedCache("/c", cache, { owner: "33", source })
        .withExec(sh("stat -c '%u %a' /c; stat -c %u /c/f; ls /c"));
      expect(await owned.stdout()).toBe("33 745\n33\nf\n");
      const again = base.withMountedCache("/c", cache).withExec([...look, "again"]);
      expect(await again.stdout()).toBe("0\nseen\n");
    }));

  it("is used by one step at a time if it is locked, and is never shared if it is private", () =>
    session(async ({ client }) => {
      const key = newKey();
      const run = (name: string, sharing: CacheSharingMode): Promise<string> =>
        client
          .container()
          .from(IMAGE)
          .withMountedCache("/c", client.cacheVolume(`${key}-${sharing}`), { sharing })
          .withExec(
            sh(`: ${name}; if [ -e /c/busy ]; then echo busy; fi; touch /c/busy; sleep 1; rm /c/busy`),
          )
          .stdout();
      const locked = await Promise.all([
        run("a", CacheSharingMode.Locked),
        run("b", CacheSharingMode.Locked),
      ]);
      expect(locked).toEqual(["", ""]);
      const alone = await Promise.all([
        run("a", CacheSharingMode.Private),
        run("b", CacheSharingMode.Private),
      ]);
      expect(alone).toEqual(["", ""]);
    }));
});

describe("a temporary mount", () => {
  it("is empty for each step, writable by every user, and allows executables", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withUser("nobody")
        .withMountedTemp("/t", { size: 1_048_576 });
      const ran = base.withExec(sh("ls /t; cp /bin/true /t/x && /t/x && echo ran"));
      expect(await ran.stdout()).toBe("ran\n");
      expect(await ran.withExec(["ls", "/t"]).stdout()).toBe("");
    }));
});
