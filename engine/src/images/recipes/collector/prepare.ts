import { rename } from "node:fs/promises";
import { join } from "node:path";
import { GO_BUILD, goProgram } from "../../golang.ts";
import { run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** The release of the modules in builder.yaml. */
export const COLLECTOR = "0.149.0";

/** Builds the collector with upstream's own builder into the build context as `otelcol-contrib`. The first build takes minutes. */
export const prepareCollector: Prepare = async (context, report) => {
  const go = await goProgram(report);
  const sources = join(context, "sources");
  await run(
    go,
    [
      "run",
      `go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR}`,
      `--config=${join(context, "builder.yaml")}`,
    ],
    // The builder reads environment variables with names like these as settings of builder.yaml.
    { ...GO_BUILD, "dist.output_path": sources, "dist.go": go },
  );
  await rename(join(sources, "otelcol-contrib"), join(context, "otelcol-contrib"));
};
