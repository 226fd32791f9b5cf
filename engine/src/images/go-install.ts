import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { GO_BUILD, goProgram } from "./golang.ts";
import { run, withTempDir } from "./host.ts";
import type { Prepare } from "./recipe.ts";

/** Go programs are built one after the other, so that Go compiles the packages that they share only once. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Builds a program with `go install` and copies it into the build context.
 * @param path the program's package, with its version: "github.com/anchore/syft/cmd/syft@v1.57.0"
 */
export function goInstall(path: string): Prepare {
  const [, name = "", version = ""] = /\/([^/]+)@v([^/]+)$/.exec(path) ?? [];
  const flags = ["-trimpath", `-ldflags=-s -w -X main.version=${version}`];
  return (context, report) => {
    turn = turn
      .catch(() => undefined)
      .then(async () => {
        const go = await goProgram(report);
        await withTempDir(async (bin) => {
          await run(go, ["install", ...flags, path], { ...GO_BUILD, GOBIN: bin });
          await copyFile(join(bin, name), join(context, name));
        });
      });
    return turn as Promise<void>;
  };
}
