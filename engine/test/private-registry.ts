import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { provideImage } from "../src/images/index.ts";
import { untilItAnswers } from "./answers.ts";
import { temporaryFolder } from "./folder.ts";

const REGISTRY = "registry:2.8.3";

export const pusher = { username: "pusher", password: "push-password" };
/** The same account in htpasswd format. */
const HTPASSWD = "pusher:$2b$05$FnfZwtMdi/SpFtDJNw9CAegaxv27qQzNxAQMmOYn9bmOBUl5sU4FC";

export interface PrivateRegistry {
  /** Host and port. */
  address: string;
  container: Docker.Container;
}

/** Starts a registry that requires the account, on the loopback interface. */
export async function startRegistry(docker: Docker): Promise<PrivateRegistry> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "htpasswd"), HTPASSWD);
  const { id } = await provideImage(docker, REGISTRY, () => undefined);
  const container = await docker.createContainer({
    Image: id,
    Env: [
      "REGISTRY_AUTH=htpasswd",
      "REGISTRY_AUTH_HTPASSWD_REALM=test",
      "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd",
    ],
    ExposedPorts: { "5000/tcp": {} },
    HostConfig: {
      Binds: [`${folder}:/auth:ro`],
      PortBindings: { "5000/tcp": [{ HostIp: "127.0.0.1", HostPort: "0" }] },
    },
  });
  await container.start();
  const url = await untilItAnswers(
    container,
    ({ NetworkSettings: { Ports } }) => `http://127.0.0.1:${Ports["5000/tcp"]?.[0]?.HostPort}/v2/`,
  );
  return { address: new URL(url).host, container };
}
