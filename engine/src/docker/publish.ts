import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { DockerConnectionError } from "../client/connection-error.ts";
import type { Login } from "../client/logins.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState } from "../core/values.ts";
import { withPatience } from "../images/patience.ts";
import { parseReference } from "../images/reference.ts";
import { withRetries } from "../images/retry.ts";
import { findLogin } from "./credentials.ts";
import { dockerMessage } from "./errors.ts";
import { withFinishedImage } from "./held-image.ts";
import type { ImageMaking, Run, Step } from "./run.ts";
import { withTag } from "./tags.ts";

type Publishing = ImageMaking & Pick<Run, "id" | "progress" | "secrets">;

interface PushMessage {
  error?: string;
  aux?: { Digest?: string };
  status?: string;
}

/** Pushes a state's image; returns its address with the digest in the registry. */
export async function publishImage(run: Publishing, state: ContainerState, address: string): Promise<string> {
  return run.progress.step(`publish ${address}`, async (step) => {
    if (state.annotations.length > 0)
      throw new UserError(
        "publish: the embedded engine pushes through Docker, which drops annotations; the official engine keeps them: remove them, or export the image",
      );
    const { login: account, problem } = await findLogin(run.secrets, state, address);
    const pushing = { run, step, address, account, problem };
    // The end of the session waits for this work, hence until the tag is restored.
    const digest = await withFinishedImage(run, state, (id) =>
      run.work.once(`publish ${address} ${id}`, async () => {
        await requireLogin(pushing);
        return withTag(run.docker, id, address, () => pushPatiently(pushing));
      }),
    );
    return `${address}@${digest}`;
  });
}

interface Pushing {
  run: Publishing;
  step: Step;
  address: string;
  account: Login | undefined;
  /** Why the user's own login could not be read. */
  problem: string | undefined;
}

/** A request to Docker that is abandoned when the session ends. */
function untilClosed<T>({ work }: Publishing, request: Promise<T>): Promise<T> {
  return Promise.race([request, work.untilClosed()]);
}

function failure({ address, problem }: Pushing, reason: string): UserError {
  return new UserError(`publish ${address} failed: ${reason}${problem ? `; ${problem}` : ""}`);
}

/** Rejects a wrong password at once: Docker repeats a push for a minute before it reports one. */
async function requireLogin(pushing: Pushing): Promise<void> {
  const { run, step, address, account } = pushing;
  if (!account) return;
  const { registry } = parseReference(address);
  const login = (): Promise<unknown> =>
    run.docker.checkAuth({ ...account, abortSignal: run.work.signal } as never);
  try {
    await withPatience(`publish ${address}: login at ${registry}`, step.note, () =>
      untilClosed(run, login()),
    );
  } catch (error) {
    run.work.signal.throwIfAborted();
    // Any other failure may have passed by the time of the push.
    if (!/\b401\b|unauthorized|incorrect username/i.test(dockerMessage(error))) return;
    throw failure(
      pushing,
      `unauthorized: ${registry} rejects ${account.username ? `user ${account.username}` : "the login"}: check the password or token`,
    );
  }
}

/** Pushes, again after a temporary failure, and once more with a new token if the registry no longer takes the old one. */
async function pushPatiently(pushing: Pushing): Promise<string> {
  const { run, step, address, account } = pushing;
  const attempts = { name: address, report: step.note, signal: run.work.signal };
  const repeated = (): Promise<string> => withRetries(attempts, () => untilClosed(run, push(pushing)));
  try {
    return await repeated().catch((error) => {
      if (!account || !/unauthorized|authentication required/i.test(dockerMessage(error))) throw error;
      step.note(`${address}: ${dockerMessage(error)}; next attempt with a new token`);
      return repeated();
    });
  } catch (error) {
    run.work.signal.throwIfAborted();
    if (error instanceof DockerConnectionError) throw error;
    throw failure(pushing, dockerMessage(error));
  }
}

/** Pushes what Docker has under a name; returns the digest. */
async function push({ run, step, address, account }: Pushing): Promise<string> {
  const what = `publish ${address}: ${parseReference(address).registry}`;
  return withPatience(what, step.note, async (heard) => {
    // Docker requires the field, even if it is empty.
    const options = { authconfig: account ?? {}, abortSignal: run.work.signal };
    const stream = (await run.docker.getImage(address).push(options as never)) as unknown as Readable;
    return followPush(run.docker, stream, (status) => {
      heard();
      step.log(`${status}\n`);
    });
  });
}

async function followPush(docker: Docker, stream: Readable, log: (status: string) => void): Promise<string> {
  let digest: string | undefined;
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error ? reject(error) : resolve()),
      ({ error, aux, status }: PushMessage) => {
        if (error) reject(new Error(error));
        if (aux?.Digest) digest = aux.Digest;
        if (status) log(status);
      },
    );
  });
  if (!digest) throw new Error("the registry named no digest");
  return digest;
}
