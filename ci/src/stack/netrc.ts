import { dag, type Secret } from "@dagger.io/dagger";

/** Name of the build secret, and where pip, uv and git look for it. */
const id = "netrc";
const mount = `--mount=type=secret,id=${id},target=/root/.netrc`;

/**
 * Mounts the secret for the instruction that installs requirements.txt. The file itself does not mount it, because the classic
 * builder, which compose 1.29 uses, has no secrets. A Dockerfile that mounts a secret of this name stays as it is.
 * @throws Error if there is no such instruction.
 */
export function mountNetrc(dockerfile: string): string {
  if (new RegExp(`\\bid=${id}\\b`).test(dockerfile)) return dockerfile;
  const mounted = dockerfile.replace(/^RUN (?=.*\binstall\b.*\brequirements\.txt)/gm, `RUN ${mount} `);
  if (mounted !== dockerfile) return mounted;
  throw new Error(
    `--netrc: no RUN instruction of the Dockerfile installs requirements.txt: add ${mount} to the one that needs it`,
  );
}

/**
 * The secret under the name that the Dockerfile mounts.
 * @throws Error for anything but the format of netrc: pip ignores such a file silently.
 */
export async function nameNetrc(given: Secret): Promise<Secret> {
  const text = await given.plaintext();
  if (!/(^|\s)(machine\s+\S+|default)\s/.test(text)) {
    throw new Error(
      "--netrc: not in netrc format: write lines like machine HOST login USER password PASSWORD",
    );
  }
  return dag.setSecret(id, text);
}
