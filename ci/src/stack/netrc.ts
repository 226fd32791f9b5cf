import { dag, type Secret } from "@dagger.io/dagger";
import { netrcId } from "../packaging/mounts.js";

/**
 * The secret under the name that the Dockerfile mounts.
 * @throws Error for anything but the format of netrc: uv ignores such a file silently.
 */
export async function nameNetrc(given: Secret): Promise<Secret> {
  const text = await given.plaintext();
  if (!/(^|\s)(machine\s+\S+|default)\s/.test(text)) {
    throw new Error(
      "--netrc: not in netrc format: write lines like machine HOST login USER password PASSWORD",
    );
  }
  return dag.setSecret(netrcId, text);
}
