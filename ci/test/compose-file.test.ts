import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { tailor } from "../src/site/compose-file.ts";
import { upstreamImages } from "../src/site/upstream.ts";
import { root } from "./support.ts";

const compose = readFileSync(join(root, "docker-compose.prod.yml"), "utf8");
const nothing = { unused: [], processes: {}, release: [], variables: {} };
const tailored = (changes: object) => parse(tailor(compose, { ...nothing, ...changes }), { merge: true });
const before = parse(compose, { merge: true });

describe("the compose file of a release", () => {
  test("is the repository's own if the project needs nothing else", () => {
    expect(tailor(compose, nothing)).toBe(compose);
  });

  test("is otherwise the same but for the differences", () => {
    const file = tailored({ variables: { A: "b" } });
    delete file["x-application"].environment.A;
    for (const name of ["app", "worker", "beat", "migrate"]) {
      expect(file.services[name].environment.A).toBe("b");
      delete file.services[name].environment.A;
    }
    expect(file).toEqual(before);
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

  test("that is tailored already stays as it is, and names its images as before", () => {
    const wanted = {
      unused: ["kafka", "beat"],
      processes: { consumer: "python manage.py consume --key $KEY" },
      release: ["migrate", "python manage.py warm_up"],
      variables: { MODE: "yes" },
    };
    const once = tailor(compose, wanted);
    expect(once).not.toBe(compose);
    expect(tailor(once, wanted)).toBe(once);
    const settings = { COMPOSE_PROFILES: "logs" };
    const without = ({ setting }: { setting: string }): boolean => setting !== "KAFKA_IMAGE";
    expect(upstreamImages(once, settings)).toEqual(upstreamImages(compose, settings).filter(without));
  });

  test("keeps its comments and its anchors", () => {
    const text = tailor(compose, { ...nothing, unused: ["kafka"] });
    expect(text).toContain("# Only nginx can reach port 8000.");
    expect(text).toContain("<<: *application");
  });

  test("writes a text that YAML 1.1 would read as something else in quotes", () => {
    expect(tailor(compose, { ...nothing, variables: { MODE: "yes", CODE: "012" } })).toMatch(
      /^ {4}MODE: "yes"\n {4}CODE: "012"$/m,
    );
  });

  test("refuses variables for a file in which they have no place", () => {
    const other = compose.replaceAll("x-application", "x-other");
    expect(() => tailor(other, { ...nothing, variables: { A: "b" } })).toThrow(
      "docker-compose.prod.yml has no x-application.environment, where the variable A belongs",
    );
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
