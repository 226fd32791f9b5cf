import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";

const statusCodes = { 200: true, 400: "bad parameter", 404: "no such container", 500: "server error" };

/**
 * The exit code of a container's process, once it has ended. Docker begins its answer at once and ends it with the
 * process; the client's own call never returns when the answer breaks off in between, because Docker has died.
 */
export async function exitCodeOf(container: Docker.Container): Promise<number> {
  const options = { path: `/containers/${container.id}/wait?`, method: "POST", isStream: true, statusCodes };
  const answer = await new Promise<Readable>((resolve, reject) =>
    container.modem.dial(options, (error: unknown, stream: unknown) =>
      error ? reject(error) : resolve(stream as Readable),
    ),
  );
  return (JSON.parse(await text(answer)) as { StatusCode: number }).StatusCode;
}
