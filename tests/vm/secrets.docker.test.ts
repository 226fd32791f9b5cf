/** @module-tag slow */

import { describe, expect, inject, test } from "vitest";
import { canaries, directory, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const { good = "", better = "" } = vm.shared.releases;
/** Of the database's own files these are part: nobody can connect to a database without a name. */
const names = ["POSTGRES_DB", "POSTGRES_USER"];
const fixed = Object.values(canaries)
  .map((value) => `-e '${value.replaceAll("'", "'\\''")}'`)
  .join(" ");

describe("confidential values", () => {
  test("appear in no process argument, image or container metadata during a deploy, and not in its output", async () => {
    const serving = await vm.must(`grep APP_IMAGE= ${directory}/current/release.env`);
    const place = await vm.deliver({ image: serving.includes(good) ? better : good });
    // Containers' own processes have them in their environment, as the application wants them; arguments are for all to see.
    const sample = `
      bash ${place}/host/stackline deploy >/tmp/said 2>&1 & deploy=$!
      : >/tmp/seen
      samples=0
      while kill -0 $deploy 2>/dev/null; do
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' >>/tmp/seen; samples=$((samples + 1)); sleep 0.1
      done
      wait $deploy; code=$?
      docker ps -aq | xargs docker inspect >>/tmp/seen; docker images -q | sort -u | xargs docker history --no-trunc >>/tmp/seen
      echo "$samples samples, exit code $code"
      cat /tmp/said /tmp/seen | grep -v 'grep ' | grep -acF ${fixed}; rm -f /tmp/seen /tmp/said`;
    const [said = "", found] = (await vm.sh(sample)).stdout.trim().split("\n");
    console.log(said);
    expect(Number.parseInt(said, 10)).toBeGreaterThan(30);
    expect(said).toContain("exit code 0");
    expect(found).toBe("0");
  });

  test("are on the machine's disk only in files of mode 0400", async () => {
    const places = "/srv /home /root /etc /tmp /run /dev/shm /var/log /var/tmp /var/lib/docker";
    const files = (await vm.sh(`grep -rlaF ${fixed} ${places} 2>/dev/null`, "root")).stdout
      .trim()
      .split("\n");
    const secrets = files.filter((file) => file.startsWith(`${directory}/secrets/`));
    expect(secrets.length).toBeGreaterThan(5);
    const modes = await vm.must(`stat -c %a ${secrets.join(" ")} | sort -u`, "root");
    expect(modes).toBe("400\n");

    const elsewhere = files.filter((file) => !secrets.includes(file));
    const confidential = Object.entries(canaries).filter(([name]) => !names.includes(name));
    const patterns = confidential.map(([, value]) => `-e '${value.replaceAll("'", "'\\''")}'`).join(" ");
    const worse =
      elsewhere.length === 0
        ? ""
        : (await vm.sh(`grep -laF ${patterns} ${elsewhere.map((file) => `'${file}'`).join(" ")}`, "root"))
            .stdout;
    expect(worse).toBe("");
    // The names of database and role: in the database's own files, and in its backups, which nobody else can read.
    const strange = elsewhere.filter((file) => !file.includes("/volumes/stackline_postgres/"));
    expect(strange.filter((file) => !/\/backups\/[^/]+\.dump$/.test(file))).toEqual([]);
    expect(await vm.must(`stat -c %a ${directory}/backups/*.dump | sort -u`, "root")).toBe("400\n");
  });
});
