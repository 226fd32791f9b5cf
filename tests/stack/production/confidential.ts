import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { $ } from "zx";
import { canaries, Production } from "../production.ts";

/** The places that must not contain a secret. Runs last, when the logs contain the errors of all faults. */
export function confidential(stack: () => Production): void {
  test("no confidential value is in the metadata of containers and images, in arguments or in a log", async () => {
    await stack().run("rm", "--stop", "--force", "writer");
    const containers = (await stack().docker("ps", "--all", "--quiet")).trim().split("\n");
    const running = (await stack().docker("ps", "--quiet")).trim().split("\n");
    const each = async (ids: string[], ...args: string[]) =>
      Promise.all(ids.map((id) => stack().docker(...args, id)));
    const logs = async (id: string) =>
      (await $({ quiet: true, env: stack().daemon.env })`docker logs ${id} 2>&1`).stdout;
    const places: Record<string, string> = {
      "docker inspect of containers": await stack().docker("inspect", ...containers),
      "docker inspect of images": await stack().docker("inspect", ...Production.images),
      "docker history": (await each(Production.images, "history", "--no-trunc")).join("\n"),
      "process arguments": (await each(running, "top")).join("\n"),
      logs: (await Promise.all(containers.map(logs))).join("\n"),
      "the daemon's log": readFileSync(join(stack().daemon.folder, "dockerd.log"), "utf8"),
    };
    const found = Object.entries(places).flatMap(([place, text]) =>
      Object.entries(canaries)
        .filter(([, value]) => occurs(value, text))
        .map(([name]) => `${name} in ${place}`),
    );
    const sizes = Object.entries(places).map(([place, text]) => `${place}: ${text.length} characters`);
    console.log(`${Object.keys(canaries).length} values looked for in\n${sizes.join("\n")}`);
    expect(found).toEqual([]);
  });
}

/** As a separate word, in plain, JSON-escaped or URL-encoded form. */
function occurs(value: string, text: string): boolean {
  const forms = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
  return forms.some((form) =>
    new RegExp(`(?<![\\w.])${form.replace(/[.*+?^${"$"}{}()|[\]\\]/g, "\\$&")}(?!\\w)`).test(text),
  );
}
