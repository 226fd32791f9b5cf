import { describe, expect, test } from "vitest";
import { APP_IMAGE, PROJECT, type Production, sleep } from "../production.ts";
import { root } from "../tools.ts";

const SECONDS = 30;

/** Attacks that one address can make. Each client is a container, hence an address of its own. */
export function attacks(stack: () => Production): void {
  /** The responses that a kind of clients.py got, by status. */
  async function clients(kind: string, seconds: number): Promise<Record<string, number>> {
    const address = (await stack().inspect("nginx")).NetworkSettings.Networks[`${PROJECT}_edge`].IPAddress;
    const mount = ["-v", `${root}tests/stack/clients.py:/clients.py:ro`, "--entrypoint", "python"];
    const run = ["run", "--rm", "--network", `${PROJECT}_edge`, ...mount, APP_IMAGE];
    const said = await stack().docker(...run, "/clients.py", kind, address, "80", String(seconds));
    console.log(`${kind}: ${said.trim()}`);
    return JSON.parse(said).counts;
  }

  describe("no request of a calm client fails, and nginx stays", () => {
    test.each([
      ["24 uploads at a time", "bodies", ["413", "429"]],
      ["3,000 half-sent requests", "heads", ["ConnectionResetError"]],
      ["300 clients on /checks/", "pages", ["429"]],
    ])("during %s", async (_, kind, refusals) => {
      const before = await stack().inspect("nginx");
      const calm = clients("calm", SECONDS + 4);
      await sleep(2000);
      const attack = await clients(kind, SECONDS);
      expect(await calm).toEqual({ 200: 50 * (SECONDS + 4) });
      for (const refusal of refusals) expect(attack[refusal], refusal).toBeGreaterThan(20);
      const { State, RestartCount, HostConfig } = await stack().inspect("nginx");
      expect(State).toMatchObject({ OOMKilled: false, StartedAt: before.State.StartedAt });
      expect([State.Health.Status, RestartCount]).toEqual(["healthy", before.RestartCount]);
      expect(HostConfig.Memory).toBeGreaterThan(0);
    });
  });
}
