import { DockerConnectionError } from "../client/connection-error.ts";
import { Registry } from "../client/registry.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState } from "../core/values.ts";
import { withPatience } from "../images/patience.ts";
import { parseReference } from "../images/reference.ts";
import { withRetries } from "../images/retry.ts";
import { findLogin } from "./credentials.ts";
import { withFinishedImage } from "./held-image.ts";
import { isInsecure } from "./insecure.ts";
import type { ArchiveOptions } from "./oci-image.ts";
import { pushImage } from "./push.ts";
import type { ImageMaking, Run } from "./run.ts";

type Publishing = ImageMaking & Pick<Run, "id" | "progress" | "secrets" | "limit">;

/** Pushes a state's image; returns its address with the digest in the registry. */
export async function publishImage(
  run: Publishing,
  state: ContainerState,
  address: string,
  given: Omit<ArchiveOptions, "annotations">,
): Promise<string> {
  return run.progress.step(`publish ${address}`, async (step) => {
    const { login, problem } = await findLogin(run.secrets, state, address);
    const { registry: host, tag } = parseReference(address);
    const { signal } = run.work;
    const registry = new Registry({
      host,
      repository: repositoryOf(address),
      login,
      insecure: await isInsecure(run.docker, host),
      signal,
      note: step.note,
    });
    const attempts = { name: address, report: step.note, signal };
    const repeat = <T>(request: (heard: () => void) => Promise<T>): Promise<T> =>
      withRetries(attempts, () => withPatience(`publish ${address}: ${host}`, step.note, request));
    const options = { ...given, annotations: state.annotations };
    try {
      await repeat(() => registry.logIn());
      const digest = await withFinishedImage(run, state, (id) =>
        run.work.once(`publish ${address} ${id} ${JSON.stringify(options)}`, () =>
          pushImage(run, { id, registry, tag, options, repeat, log: step.log }),
        ),
      );
      return `${address}@${digest}`;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DockerConnectionError) throw error;
      const { message, code } = error as NodeJS.ErrnoException;
      throw new UserError(`publish ${address} failed: ${message || code}${problem ? `; ${problem}` : ""}`);
    }
  });
}

/** The repository as its registry knows it: "library/python". */
function repositoryOf(address: string): string {
  const { registry, repository } = parseReference(address);
  return registry === "docker.io" && !repository.includes("/") ? `library/${repository}` : repository;
}
