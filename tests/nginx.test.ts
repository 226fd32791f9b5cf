import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the names that nginx answers to", () => {
  function siteNames(ALLOWED_HOSTS: string): {
    serves(host: string): boolean;
    redirects(host: string): boolean;
  } {
    const script = `. "$1"; printf '%s\\n' "$SITE_HOSTS" "$REDIRECT_HOSTS"`;
    const words = ["-euc", script, "sh", join(root, "nginx/entrypoint/15-site.envsh")];
    const said = execFileSync("sh", words, { encoding: "utf8", env: { ...process.env, ALLOWED_HOSTS } });
    const [serves, redirects] = said.split("\n").map((line) => new RegExp(`^(${line})$`));
    return {
      serves: (host) => serves?.test(host) ?? false,
      redirects: (host) => redirects?.test(host) ?? false,
    };
  }

  test.each([
    ["shop.example", ["shop.example"], ["www.shop.example", "shopxexample", "evil.example", "10.0.0.1", ""]],
    ["Shop.Example, other.example", ["shop.example", "other.example"], ["evil.example"]],
    [".shop.example", ["shop.example", "www.shop.example", "a.b.shop.example"], ["evilshop.example"]],
    ["10.0.0.1,[fd00::1]", ["10.0.0.1", "[fd00::1]"], ["10x0.0.1"]],
    ["*", ["evil.example", "10.0.0.1"], []],
    ["shop.example,x;return 200,$host", ["shop.example"], ["x", "evil.example"]],
  ])("ALLOWED_HOSTS=%s are these and the machine's own", (hosts, own, foreign) => {
    const names = siteNames(hosts);
    for (const name of [...own, "localhost", "127.0.0.1", "[::1]", "app", "nginx"])
      expect([name, names.serves(name), names.redirects(name)]).toEqual([name, true, true]);
    for (const name of foreign)
      expect([name, names.serves(name), names.redirects(name)]).toEqual([name, false, false]);
  });

  test.each(["", "localhost,127.0.0.1,[::1],app,nginx"])(
    "ALLOWED_HOSTS=%s, without a name of the site: any, but no redirection to it",
    (hosts) => {
      const names = siteNames(hosts);
      expect([names.serves("any.example"), names.redirects("any.example")]).toEqual([true, false]);
    },
  );
});

describe("nginx in production", () => {
  const { nginx } = parse(read("docker-compose.prod.yml"), { merge: true }).services;
  /** Megabytes of a size such as 64m, or of the default in ${NAME:-64m}. */
  const megabytes = (text: string): number => Number(/(\d+)m\}?$/.exec(text)?.[1]);
  const folders: number[] = nginx.tmpfs.map((line: string) => megabytes(line));

  test("has memory for all its folders when they are full, and for a full table of connections", () => {
    const connections = Number(/worker_connections (\d+);/.exec(read("nginx/nginx.conf"))?.[1]);
    expect(connections).toBeGreaterThan(3500);
    const most = folders.reduce((sum, size) => sum + size) + (connections * 60) / 1024;
    expect(megabytes(nginx.mem_limit)).toBeGreaterThanOrEqual(most);
  });

  test("has room for all the uploads that it accepts at the same time", () => {
    const uploads = Number(
      /limit_conn uploads (\d+);/.exec(read("nginx/templates/parts/limits.conf.template"))?.[1],
    );
    const space = megabytes(nginx.tmpfs.find((line: string) => line.startsWith("/var/cache/nginx")));
    expect(uploads * megabytes(nginx.environment.BODY_LIMIT)).toBeLessThan(space);
  });
});

test("a /checks page that others use up fails no deploy: port 8082 answers without a limit", () => {
  const script = `
    . "$1"
    say() { echo "$*"; }; fail() { echo "FAILED: $*"; exit 1; }; explain_red() { :; }; in_maintenance() { false; }
    slot_containers() { echo app; }
    setting() { case $2 in STACKLINE_URL) echo http://shop.example ;; APP_SLOT) echo slot ;; *) echo "\${3:-}" ;; esac; }
    timeout() { shift; "$@"; }
    docker() {
      case $5 in
        http://nginx:8082) echo 'ok   nginx' ;;
        *) echo "FAIL nginx: /checks has no item for it (status $status, 0 items)"; return 1 ;;
      esac
    }
    verify_tries=1
    verify release`;
  const verify = (status: string): string => {
    const words = ["-uc", script, "bash", join(root, "scripts/host/lib/verify.sh")];
    return spawnSync("bash", words, { encoding: "utf8", env: { ...process.env, status } }).stdout;
  };
  expect(verify("429")).toMatch(/too many others.*ok {3}nginx.*too many others/s);
  expect(verify("429")).not.toContain("FAILED");
  expect(verify("503")).toContain("FAILED: /checks is not green through nginx");
});
