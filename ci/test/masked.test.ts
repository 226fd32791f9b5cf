import { connection as connect, dag } from "@dagger.io/dagger";
import { expect, test } from "vitest";
import { type Call, callsOf, decodeId } from "../../engine/src/core/call.ts";
import type { SecretValue } from "../../engine/src/core/values.ts";
import { withSession } from "../../engine/test/support.ts";
import { parseEnvironment } from "../src/site/environment.ts";
import { registryLogin } from "../src/site/registry.ts";
import { normaliseSecrets } from "../src/site/secrets.ts";
import { sshClient } from "../src/site/ssh-connection.ts";
import { scratchFolder } from "./support.ts";

const environment = parseEnvironment(
  "prod",
  JSON.stringify({ host: "vm", user: "deploy", hostKey: `ssh-rsa ${"A".repeat(68)}`, repository: "you/app" }),
);

const given = `POSTGRES_DB=orders
POSTGRES_USER=orders
POSTGRES_PASSWORD="correct horse"
SECRET_KEY=battery-staple
DATABASE_HOST=postgres
`;

test("an engine that masks whole secrets only masks each value that is sent to a machine, but no default", () =>
  withSession({ storePath: scratchFolder(), withDocker: false }, ({ engine: { session } }) =>
    connect(async () => {
      const password = dag.setSecret("password", "registry-token\n");
      const payload = {
        secrets: await normaliseSecrets(dag.setSecret("given", given), []),
        registry: await registryLogin({ username: "you", password }, "you/app"),
      };
      const connection = { environment, key: dag.setSecret("key", "ssh-key"), scripts: dag.directory() };
      const client = decodeId(await sshClient(connection, payload).id());
      const mounted = callsOf(client).filter(({ field }) => field === "withMountedSecret");
      const secrets = await Promise.all(
        mounted.map(async ({ args }) => {
          const secret = await session.evaluate<SecretValue>(args.source as Call);
          return (await session.secrets.plaintext(secret)).toString();
        }),
      );
      const whole = secrets.map((secret) => secret.trim());
      expect(whole).toEqual(expect.arrayContaining(["correct horse", "battery-staple", "registry-token"]));
      expect(whole.filter((secret) => ["orders", "postgres", "5432", ""].includes(secret))).toEqual([]);
      // Engines that mask the values in a longer secret must not find a default in one either.
      expect(secrets.join("\n")).not.toContain("=postgres");
      const files = callsOf(client).map(({ args }) => args.contents);
      expect(files).toContainEqual(expect.stringContaining("DATABASE_HOST=postgres\nDATABASE_PORT=5432\n"));
    }),
  ));
