import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { verifyDownloads } from "../../checksums.ts";
import { need, run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** Maven's plugin that copies dependencies; it runs on this machine, so that its version is pinned. */
const PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:2.8";

/** Where the checksums of a release's jars are; not every release has some. */
export const checksumsOf = (version: string): string =>
  fileURLToPath(new URL(`checksums/${version}`, import.meta.url));

/** Downloads Kafka's jars and their runtime dependencies into the build context as `libs/`, with the host's Maven. */
export const prepareKafka =
  (version: string): Prepare =>
  async (context, report) => {
    await need("mvn", ["maven"], report);
    const libs = join(context, "libs");
    await run("mvn", [
      "--batch-mode",
      "--quiet",
      // Fails if a file's checksum is not the registry's. By default Maven only warns.
      "--strict-checksums",
      `--file=${join(context, "pom.xml")}`,
      `-Dkafka.version=${version}`,
      "-DincludeScope=runtime",
      `-DoutputDirectory=${libs}`,
      `${PLUGIN}:copy-dependencies`,
    ]);
    const checksums = checksumsOf(version);
    if (existsSync(checksums)) await verifyDownloads(libs, checksums);
    else report(`Kafka ${version} is verified with its registry's checksums only: there is no ${checksums}`);
  };
