import { type Directory, dag } from "@dagger.io/dagger";
import { images } from "../versions.js";

/** A file with a zero byte is no text. */
export const normaliseHere = `
cr=$(printf '\\r')
grep -rl "$cr\\$" . | while read -r file; do
  [ "$(tr -d '\\000' <"$file" | wc -c)" -ne "$(wc -c <"$file")" ] || sed -i "s/$cr\\$//" "$file"
done
grep -rl '^#!' . | while read -r file; do chmod a+x "$file"; done
chmod -R a+rX .`;

/**
 * Files of a checkout as a machine needs them, whatever umask and line endings the checkout has: text with Unix line endings,
 * readable by the users of all containers, and scripts executable.
 */
export function normalise(folder: Directory): Directory {
  return (
    dag
      .container()
      .from(images.ssh)
      // A mount: a cached result needs no container.
      .withMountedDirectory("/files", folder)
      .withWorkdir("/files")
      .withExec(["sh", "-euc", normaliseHere])
      .directory("/files")
  );
}
