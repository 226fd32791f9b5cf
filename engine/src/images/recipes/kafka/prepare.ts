import { join } from "node:path";
import { need, run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** Downloads Kafka's jars and their runtime dependencies into the build context as `libs/`, with the host's Maven. */
export const prepareKafka =
  (version: string): Prepare =>
  async (context, report) => {
    await need("mvn", ["maven"], report);
    await run("mvn", [
      "--batch-mode",
      "--quiet",
      `--file=${join(context, "pom.xml")}`,
      `-Dkafka.version=${version}`,
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(context, "libs")}`,
      "dependency:copy-dependencies",
    ]);
  };
