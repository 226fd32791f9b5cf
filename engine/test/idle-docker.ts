import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { temporaryFolder } from "./folder.ts";

/** What a Docker without any container answers to a session's questions; it knows nothing else. */
const answers: [path: RegExp, answer: unknown][] = [
  [/\/(containers\/json|networks|images\/json)\b/, []],
  [/\/volumes\b/, { Volumes: [] }],
];

/**
 * A Docker on a socket of its own that has no containers and starts none: for command lines whose functions need none.
 * @returns what DOCKER_HOST is for it.
 */
export async function idleDocker(): Promise<{ server: Server; host: string }> {
  const server = createServer(({ url = "" }, response) => {
    const found = answers.find(([path]) => path.test(url));
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? found[1] : { message: `no ${url} here` }));
  });
  const socket = join(temporaryFolder(), "docker.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  server.unref();
  return { server, host: `unix://${socket}` };
}
