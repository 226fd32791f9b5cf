import { join } from "node:path";
import type Docker from "dockerode";
import { provideImage } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";
import { docker, root } from "./support.ts";

/** PostgreSQL as in docker-compose.prod.yml. The caller starts it and removes it. */
export async function createPostgres(
  secrets: string,
  labels: Record<string, string> = {},
): Promise<Docker.Container> {
  const { id } = await provideImage(docker, images.postgres, () => undefined);
  const scripts = join(root, "scripts/postgres");
  return docker.createContainer({
    Image: id,
    User: "postgres",
    Labels: labels,
    Env: [
      "POSTGRES_USER=postgres",
      "POSTGRES_PASSWORD_FILE=/run/secrets/POSTGRES_PASSWORD",
      "POSTGRES_INITDB_ARGS=--auth-local=peer --auth-host=scram-sha-256 --no-sync",
    ],
    HostConfig: {
      // As process 1 the server would take a client that was killed in its container for a crash of its own.
      Init: true,
      RestartPolicy: { Name: "unless-stopped" },
      Binds: [
        `${secrets}:/run/secrets:ro`,
        `${scripts}/application.sql:/docker-entrypoint-initdb.d/application.sql:ro`,
        `${scripts}/production.conf:/etc/postgresql/stackline/production.conf:ro`,
        `${scripts}/postgres:/usr/local/bin/postgres:ro`,
        `${scripts}/initdb:/usr/local/bin/initdb:ro`,
      ],
    },
  });
}
