import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { buildProxies, containerProxies, loopbackProxies, proxySecrets } from "../../src/client/proxies.ts";
import { proxyFor } from "../../src/client/request.ts";
import { temporaryFolder } from "../folder.ts";

const PROXY = "http://proxy.example:3128";
let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const environment = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ DOCKER_CONFIG: folder, ...more });

function configure(proxies: object): void {
  writeFileSync(join(folder, "config.json"), JSON.stringify({ proxies }));
}

describe("the proxies of a build", () => {
  it("are those of Docker's configuration, in both cases", () => {
    configure({ default: { httpProxy: PROXY, noProxy: "*.example" } });
    expect(buildProxies({}, environment({ HTTPS_PROXY: "http://other:1" }))).toEqual({
      HTTP_PROXY: PROXY,
      http_proxy: PROXY,
      NO_PROXY: "*.example",
      no_proxy: "*.example",
    });
  });

  it("are those for its Docker host, if it has some", () => {
    configure({ default: { allProxy: "http://d:1" }, "tcp://build:2375": { ftpProxy: "http://b:1" } });
    const at = (DOCKER_HOST?: string) => buildProxies({}, environment(DOCKER_HOST ? { DOCKER_HOST } : {}));
    expect(at()).toEqual({ ALL_PROXY: "http://d:1", all_proxy: "http://d:1" });
    expect(at("tcp://build")).toEqual({ FTP_PROXY: "http://b:1", ftp_proxy: "http://b:1" });
  });

  it("are those of the environment if Docker's configuration has none", () => {
    expect(buildProxies({ OTHER: "x" }, environment({ https_proxy: PROXY }))).toEqual({
      HTTPS_PROXY: PROXY,
      https_proxy: PROXY,
      OTHER: "x",
    });
    expect(buildProxies({}, environment({}))).toEqual({});
  });

  it("do not replace a build argument that is given", () => {
    const given = buildProxies({ http_proxy: "" }, environment({ HTTP_PROXY: PROXY }));
    expect(given).toEqual({ HTTP_PROXY: PROXY, http_proxy: "" });
  });

  it.each(["http://localhost:3128", "127.0.0.1:3128", "http://u:p@[::1]:1"])(
    "are not this machine's own (%s), which is reported",
    (HTTP_PROXY) => {
      const env = environment({ HTTP_PROXY, HTTPS_PROXY: PROXY });
      expect(Object.keys(buildProxies({}, env))).toEqual(["HTTPS_PROXY", "https_proxy"]);
      expect(loopbackProxies(env)).toEqual(["HTTP_PROXY"]);
    },
  );
});

describe("the proxies of a container", () => {
  const of = (own: [string, string][], local: string[], env: NodeJS.ProcessEnv): Record<string, string> =>
    Object.fromEntries(containerProxies(own, local, environment(env)));

  it("come with an exception for itself and the services that it is bound to", () => {
    expect(of([], ["db", "cache"], { HTTP_PROXY: PROXY, NO_PROXY: ".corp" })).toEqual({
      HTTP_PROXY: PROXY,
      http_proxy: PROXY,
      NO_PROXY: ".corp,localhost,127.0.0.1,db,cache",
      no_proxy: ".corp,localhost,127.0.0.1,db,cache",
    });
    expect(of([], ["db"], {})).toEqual({});
  });

  it("do not replace its own variables, which get the other case, too", () => {
    const own: [string, string][] = [
      ["HTTP_PROXY", "http://own:1"],
      ["NO_PROXY", "x"],
      ["no_proxy", "y"],
    ];
    expect(of(own, ["db"], { HTTP_PROXY: PROXY })).toEqual({ http_proxy: "http://own:1" });
  });
});

it("passwords of proxies are known as secrets, in each form that output may show them", () => {
  configure({ default: { httpProxy: "http://me:from%40file@proxy:1" } });
  const env = environment({ HTTPS_PROXY: "http://you:word@proxy:1", ALL_PROXY: PROXY });
  expect(proxySecrets(env)).toEqual([
    "from%40file",
    "from@file",
    Buffer.from("me:from@file").toString("base64"),
    "word",
    Buffer.from("you:word").toString("base64"),
  ]);
});

describe("a request of the engine", () => {
  const proxyOf = (url: string, env: NodeJS.ProcessEnv): string | undefined =>
    proxyFor(new URL(url), env)?.host;

  it("uses the proxy for its protocol, else the one for all", () => {
    const env = { HTTP_PROXY: "a:1", https_proxy: "http://b:2", ALL_PROXY: "http://c:3" };
    expect([proxyOf("http://x", env), proxyOf("https://x", env)]).toEqual(["a:1", "b:2"]);
    expect(proxyOf("https://x", { ALL_PROXY: "http://c:3" })).toBe("c:3");
    expect(proxyOf("https://x", {})).toBeUndefined();
  });

  it.each<[url: string, list: string, isDirect: boolean]>([
    ["http://a.example", "example", true],
    ["http://example", ".example", true],
    ["http://a.example", "*.example", true],
    ["http://notexample", "example", false],
    ["http://a.example", "b.example, a.example", true],
    ["http://a.example:81", "a.example:80", false],
    ["http://a.example", "a.example:80", true],
    ["http://10.1.2.3", "10.0.0.0/8", true],
    ["http://11.1.2.3", "10.0.0.0/8", false],
    ["http://10.1.2.3", "10.0.0.0/99", false],
    ["http://[2001:db8::1]", "2001:db8::/32", true],
    ["http://[2001:db8::1]", "2001:db8::1", true],
    ["http://anything", "*", true],
    ["http://localhost:8000", "", true],
    ["http://127.0.0.1:8000", "", true],
  ])("to %s with NO_PROXY=%s goes direct: %s", (url, NO_PROXY, isDirect) => {
    expect(proxyOf(url, { HTTP_PROXY: "p:1", NO_PROXY })).toBe(isDirect ? undefined : "p:1");
  });

  it("names the variable of a proxy that it cannot use, not its value", () => {
    expect(() => proxyOf("http://x", { HTTP_PROXY: "socks5://me:word@p:1" })).toThrow(
      /^the proxy in HTTP_PROXY is not an address that starts with http:\/\/ or https:\/\/$/,
    );
  });
});
