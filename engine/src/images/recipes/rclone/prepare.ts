import { rm } from "node:fs/promises";
import { join } from "node:path";
import { GO_BUILD, goProgram } from "../../golang.ts";
import { run } from "../../host.ts";
import type { Prepare } from "../../recipe.ts";

/** The release that go.mod names. */
export const RCLONE = "1.76.0";

/** Builds rclone from main.go into the build context as `rclone`. The first build takes minutes. */
export const prepareRclone: Prepare = async (context, report) => {
  const go = await goProgram(report);
  const flags = [
    "-trimpath",
    "-mod=mod",
    `-ldflags=-s -w -X github.com/rclone/rclone/fs.Version=v${RCLONE}`,
    "-o",
    join(context, "rclone"),
  ];
  await run(go, ["-C", context, "build", ...flags, "."], GO_BUILD);
  await Promise.all(["main.go", "go.mod", "go.sum"].map((name) => rm(join(context, name))));
};
