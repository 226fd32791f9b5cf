import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { tailor } from "../src/site/compose-file.ts";
import { root } from "./support.ts";

const compose = readFileSync(join(root, "docker-compose.prod.yml"), "utf8");
const nothing = { unused: [], processes: {}, release: [], variables: {} };
const tailored = (changes: object) => parse(tailor(compose, { ...nothing, ...changes }));
const before = parse(compose, { merge: true });

describe("the compose file of a release", () => {
  test("is the repository's own if the project needs nothing else", () => {
    expect(tailor(compose, nothing)).toBe(compose);
  });

  test("is otherwise the same but for the differences", () => {
    const { "x-logging": _, ...file } = tailored({ variables: { A: "b" } });
    for (const name of ["app", "worker", "beat", "migrate"]) {
      expect(file.services[name].environment.A).toBe("b");
      delete file.services[name].environment.A;
    }
    const own = Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith("x-")));
    expect(file).toEqual(own);
  });

  test("has no service that the project does not use, and nothing that is about it", () => {
    const file = tailored({ unused: ["kafka", "redis", "worker", "beat"] });
    expect(Object.keys(file.services).sort()).toEqual(
      Object.keys(before.services)
        .filter((name) => !["kafka", "redis", "worker", "beat"].includes(name))
        .sort(),
    );
    const { environment, secrets, depends_on } = file.services.app;
    expect(Object.keys(depends_on)).toEqual(["postgres", "migrate"]);
    for (const about of [Object.keys(environment), secrets, Object.keys(file.secrets)])
      expect(about.filter((name: string) => /^(SERVER_)?(REDIS|KAFKA)_/.test(name))).toEqual([]);
    expect(Object.keys(file.volumes)).not.toContain("kafka");
    // The collector reads it; it is empty.
    expect(file.secrets.HIDDEN_REDIS_PASSWORD).toBeDefined();
  });

  test("runs a further process as confined as the web server, reachable by nobody", () => {
    const { app, consumer } = tailored({
      processes: { consumer: "python manage.py consume --key $KEY" },
    }).services;
    expect(consumer.command).toBe("python manage.py consume --key $$KEY");
    expect(consumer.networks).toEqual(["data", "outbound"]);
    expect(consumer.labels).toBeUndefined();
    expect(consumer.healthcheck.test).toEqual(expect.arrayContaining(["--up", "5"]));
    for (const key of [
      "image",
      "user",
      "read_only",
      "cap_drop",
      "security_opt",
      "init",
      "restart",
      "mem_limit",
      "pids_limit",
      "logging",
      "secrets",
      "environment",
      "tmpfs",
      "stop_grace_period",
    ])
      expect([key, consumer[key]]).toEqual([key, app[key]]);
  });

  test("does not replace a service by a process of its name", () => {
    expect(() => tailored({ processes: { nginx: "run" } })).toThrow(
      /process nginx has the name of a service/,
    );
  });

  test("hands the commands of a release to the migration", () => {
    const { services } = tailored({ release: ["migrate", "echo $HOME"] });
    expect(services.migrate.environment.STACKLINE_RELEASE).toBe("migrate\necho $$HOME");
    expect(services.app.environment.STACKLINE_RELEASE).toBeUndefined();
  });

  test("gives variables as they are, a dollar sign included", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: compose would replace it
    const { environment } = tailored({ variables: { PRICE: "$5 ${X}" } }).services.migrate;
    expect(environment.PRICE).toBe("$$5 $${X}");
  });
});
