import type Docker from "dockerode";

interface DockerEvent {
  stream?: string;
  error?: string;
  aux?: { ID?: string };
}

/** Reads the events of a build or a pull to their end. Docker reports most failures as events, with status 200. */
export async function follow(
  docker: Docker,
  events: NodeJS.ReadableStream,
  note: (event: DockerEvent) => void = () => {},
): Promise<void> {
  let failure: string | undefined;
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(
      events,
      (error) => (error ? reject(error) : resolve()),
      (event: DockerEvent) => {
        failure ??= event.error;
        note(event);
      },
    ),
  );
  if (failure !== undefined) throw new Error(failure);
}
