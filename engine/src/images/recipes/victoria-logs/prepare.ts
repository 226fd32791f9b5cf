import { join } from "node:path";
import { GO_BUILD, goProgram } from "../../golang.ts";
import { run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** Builds VictoriaLogs into the build context as `victoria-logs-prod`. */
export const prepareVictoriaLogs =
  (version: string): Prepare =>
  async (context, report) => {
    const go = await goProgram(report);
    const module = `github.com/VictoriaMetrics/VictoriaLogs@v${version}`;
    const { Dir } = JSON.parse(await run(go, ["mod", "download", "-json", module], GO_BUILD));
    const name = `github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version=victoria-logs-v${version}`;
    const output = join(context, "victoria-logs-prod");
    const flags = ["-trimpath", `-ldflags=-s -w -X ${name}`, "-o", output];
    await run(go, ["-C", Dir, "build", ...flags, "./app/victoria-logs"], GO_BUILD);
  };
