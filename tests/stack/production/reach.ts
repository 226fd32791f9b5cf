import { describe, expect, test } from "vitest";
import { $ } from "zx";
import { images } from "../../../ci/src/versions.ts";
import { longRunning, type Production } from "../production.ts";

/** The ports that can be reached, and from where. */
export function reach(stack: () => Production): void {
  describe("what can be reached", () => {
    const PORTS = [80, 443, 5432, 6379, 8000, 8081, 9092, 9093];
    // Prints the addresses that accept a connection. Tries all in parallel.
    const scan = (targets: string[]): string =>
      `for t in ${targets.join(" ")}; do (timeout 2 bash -c "exec 3<>/dev/tcp/\${t%:*}/\${t#*:}" && echo $t) 2>/dev/null & done; wait`;
    const ports = (addresses: string[]) =>
      addresses.flatMap((address) => PORTS.map((port) => `${address}:${port}`));

    async function addresses(): Promise<Record<string, string[]>> {
      const found: Record<string, string[]> = {};
      for (const name of longRunning) {
        // biome-ignore lint/suspicious/noExplicitAny: Docker's own structure
        const networks: any[] = Object.values((await stack().inspect(name)).NetworkSettings.Networks);
        found[name] = networks.map(({ IPAddress }) => IPAddress);
      }
      return found;
    }

    test("a container on another network reaches nginx's published ports and nothing else", async () => {
      await stack().docker("network", "create", "elsewhere");
      const gateway = (
        await stack().docker(
          "network",
          "inspect",
          "elsewhere",
          "--format",
          "{{(index .IPAM.Config 0).Gateway}}",
        )
      ).trim();
      const targets = ports([...Object.values(await addresses()).flat(), gateway]);
      const answered = await stack().docker(
        "run",
        "--rm",
        "--network",
        "elsewhere",
        images.kafka,
        "bash",
        "-c",
        scan(targets),
      );
      await stack().docker("network", "rm", "elsewhere");
      console.log(
        `${targets.length} addresses tried from another container, answered: ${answered.trim().split("\n").join(", ")}`,
      );
      expect(answered.trim().split("\n").sort()).toEqual([`${gateway}:443`, `${gateway}:80`]);
    });

    test("the machine publishes nginx's ports alone, and reaches no data service by its address either", async () => {
      const found = await addresses();
      const targets = ports([...Object.values(found).flat(), "127.0.0.1"]);
      const answered = (
        await $({ quiet: true })`${stack().daemon.inside("bash", "-c", scan(targets))}`
      ).stdout
        .trim()
        .split("\n")
        .sort();
      console.log(`${targets.length} addresses tried from the machine, answered: ${answered.join(", ")}`);
      expect(answered.filter((address) => address.startsWith("127."))).toEqual([
        "127.0.0.1:443",
        "127.0.0.1:80",
      ]);
      const data = ["postgres", "redis", "kafka"].flatMap((name) => found[name] ?? []);
      expect(answered.filter((address) => data.includes(address.split(":")[0] ?? ""))).toEqual([]);
    });
  });
}
