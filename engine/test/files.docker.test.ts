import { ExistsType, FileType } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

const sh = (script: string): string[] => ["sh", "-c", script];

describe("files in a container", () => {
  it("have the given content, mode and owner, by name or ID", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withNewFile("/a", "content", { permissions: 0o640, owner: "www-data" })
        .withNewFile("/b", "", { owner: "7:8" })
        .withFile("/c", client.file("c", "c", { permissions: 0o700 }), { owner: "www-data:mail" });
      const stat = await base.withExec(["stat", "-c", "%n %a %U:%G", "/a", "/b", "/c"]).stdout();
      expect(stat).toBe("/a 640 www-data:www-data\n/b 644 lp:mail\n/c 700 www-data:mail\n");
      expect(await base.file("/a").contents()).toBe("content");
      await expect(base.withNewFile("/d", "", { owner: "nosuchuser" }).sync()).rejects.toThrow("nosuchuser");
    }));

  it("do not change the mode of existing parent folders", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withNewFile("/tmp/x", "x")
        .withDirectory("/var/tmp", client.directory().withNewFile("y", "y"));
      expect(await base.withExec(["stat", "-c", "%a", "/tmp", "/var/tmp"]).stdout()).toBe("1777\n1777\n");
    }));

  it("are written and read through symbolic links", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withNewFile("/var/run/made", "here")
        .withSymlink("../run/made", "/opt/link")
        .withDirectory("/made", client.directory().withSymlink("../opt", "out"))
        .withNewFile("/made/out/through", "two links");
      for (const ran of [base, base.withExec(["true"])]) {
        expect(await ran.file("/run/made").contents()).toBe("here");
        expect(await ran.file("/opt/through").contents()).toBe("two links");
        expect(await ran.file("/made/out/link").contents()).toBe("here");
        expect(await ran.directory("/opt").file("link").contents()).toBe("here");
      }
      expect(await base.directory("/bin").entries()).toContain("ls");
      expect(
        await base.exists("/opt/link", { expectedType: ExistsType.SymlinkType, doNotFollowSymlinks: true }),
      ).toBe(true);
      expect(await base.exists("/opt/link", { expectedType: ExistsType.RegularType })).toBe(true);
      await expect(base.withSymlink("x", "/opt/link").sync()).rejects.toThrow("file exists");
      const circle = base.withSymlink("/opt/b", "/opt/a").withSymlink("/opt/a", "/opt/b").withExec(["true"]);
      await expect(circle.file("/opt/a").contents()).rejects.toThrow();
    }));

  it("can be read before a step runs, together with those of the image", () =>
    session(async ({ client }) => {
      const over = client
        .container()
        .from(IMAGE)
        .withNewFile("/etc/hostname", "mine")
        .withNewFile("/new/f", "f");
      expect(await over.file("/etc/hostname").contents()).toBe("mine");
      expect(await over.directory("/new").entries()).toEqual(["f"]);
      expect(await over.directory("/etc").entries()).toContain("passwd");
      expect(await over.rootfs().entries()).toEqual(expect.arrayContaining(["bin", "etc/", "new/"]));
      expect(await over.rootfs().entries()).not.toContain(".dockerenv");
      await expect(over.file("/nothing").contents()).rejects.toThrow("/nothing: no such file or directory");
      await expect(over.file("/etc").contents()).rejects.toThrow("path /etc is a directory, not a file");
      await expect(over.directory("/etc/passwd").entries()).rejects.toThrow(
        "path /etc/passwd is a file, not a directory",
      );
    }));

  it("are copied from a directory with filters, an owner and a mode", () =>
    session(async ({ client }) => {
      const source = client
        .directory()
        .withNewFile("keep/a.py", "a")
        .withNewFile("keep/a.pyc", "")
        .withNewFile("drop/b", "b")
        .withNewFile("c.txt", "");
      const base = client
        .container()
        .from(IMAGE)
        .withDirectory("/app", source, {
          exclude: ["drop", "**/*.pyc"],
          owner: "1000:1001",
          permissions: 0o750,
        });
      const found = await base
        .withExec(sh("cd /app && find . | sort && stat -c '%u:%g' keep/a.py && stat -c '%a %u' ."))
        .stdout();
      expect(found).toBe(".\n./c.txt\n./keep\n./keep/a.py\n1000:1001\n750 1000\n");
      const only = client
        .container()
        .from(IMAGE)
        .withDirectory("/app", source, { include: ["**/*.py"] });
      expect(await only.directory("/app").glob("**")).toEqual(["keep/", "keep/a.py"]);
    }));

  it("are copied into a folder under their own names if the path is a folder", () =>
    session(async ({ client }) => {
      const file = client.file("name", "x");
      const base = client.container().from(IMAGE).withDirectory("/dir", client.directory());
      expect(await base.withFile("/dir/", file).file("/dir/name").contents()).toBe("x");
      expect(await base.withFile("/dir", file).file("/dir/name").contents()).toBe("x");
      expect(
        await base
          .withFiles("/dir", [file, client.file("two", "2")])
          .directory("/dir")
          .entries(),
      ).toEqual(["name", "two"]);
      const placed = base
        .withWorkdir("/opt")
        .withFile("/etc", file)
        .withFile(".", file)
        .withFile("/bin", file);
      const ls = await placed.withExec(["ls", "/etc/name", "/opt/name", "/usr/bin/name"]).stdout();
      expect(ls).toBe("/etc/name\n/opt/name\n/usr/bin/name\n");
    }));

  it("are removed by path, folders with their content", () =>
    session(async ({ client }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withNewFile("/opt/a/one", "1")
        .withNewFile("/opt/a/two", "2")
        .withExec(["chmod", "700", "/opt/a"]);
      const less = base.withoutFile("/opt/a/one").withoutFile("/not/there").withoutDirectory("/var/lib/dpkg");
      expect(await less.directory("/opt/a").entries()).toEqual(["two"]);
      expect(await less.exists("/var/lib/dpkg")).toBe(false);
      expect(await less.withExec(["stat", "-c", "%a", "/opt/a"]).stdout()).toBe("700\n");
      // Through a symbolic link in the path.
      expect(
        await base.withNewFile("/run/x", "").withoutFiles(["/var/run/x", "/etc/issue"]).exists("/run/x"),
      ).toBe(false);
      const mounted = base.withMountedDirectory(
        "/m",
        client.directory().withNewFile("f", "").withNewFile("g", ""),
      );
      expect(await mounted.withoutFile("/m/f").directory("/m").entries()).toEqual(["g"]);
      expect(await mounted.withoutFiles(["/m/*", "/opt/a/t*", "/x*"]).directory("/opt/a").entries()).toEqual([
        "one",
      ]);
      expect(await mounted.withoutFile("/m/*").directory("/m").entries()).toEqual([]);
    }));

  it("report their type, size and permissions", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE).withNewFile("/f", "12345", { permissions: 0o600 });
      const stat = base.stat("/f");
      expect([await stat.name(), await stat.size(), await stat.permissions(), await stat.fileType()]).toEqual(
        ["f", 5, 0o600, FileType.Regular],
      );
    }));

  it("are those of the image after a step that changes none", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE);
      const ran = base.withExec(["true"]);
      expect(await base.rootfs().diff(ran.rootfs()).entries()).toEqual([]);
      expect(await ran.directory("/usr/sbin").entries()).not.toContain("docker-init");
    }));

  it("can be a container's whole root file system", () =>
    session(async ({ client }) => {
      const rootfs = client.container().from(IMAGE).rootfs();
      const again = client.container().withRootfs(rootfs.withNewFile("/added", "yes"));
      expect(await again.withExec(["cat", "/added"]).stdout()).toBe("yes");
      const scratch = client.container().withNewFile("/only", "this");
      expect(await scratch.rootfs().entries()).toEqual(["only"]);
    }));
});
