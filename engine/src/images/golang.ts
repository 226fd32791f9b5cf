import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { need, run } from "./host.ts";

/** The Go version for the recipes' programs: the highest `go` line among their modules requires 1.26.5. */
const VERSION = "1.26.8";

/** The Go program to build with: the host's or, if that is older, {@link VERSION} from the module proxy. */
export async function goProgram(report: (line: string) => void): Promise<string> {
  await need("go", ["golang-go"], report);
  if (isNewEnough(await run("go", ["version"]))) return "go";
  const cpu = (await run("go", ["env", "GOARCH"])).trim();
  const module = `golang.org/toolchain@v0.0.1-go${VERSION}.linux-${cpu}`;
  report(`go is older than ${VERSION}: downloading ${module}`);
  const { Dir } = JSON.parse(await run("go", ["mod", "download", "-json", module]));
  // Files of a module are never executable.
  for (const folder of ["bin", `pkg/tool/linux_${cpu}`]) await makeExecutable(join(Dir, folder));
  return join(Dir, "bin", "go");
}

/** Compares the output of `go version` with {@link VERSION}. */
export function isNewEnough(printed: string): boolean {
  const [, major = 0, minor = 0, patch = 0] = (/go(\d+)\.(\d+)(?:\.(\d+))?/.exec(printed) ?? []).map(Number);
  const [wantMajor = 0, wantMinor = 0, wantPatch = 0] = VERSION.split(".").map(Number);
  return (major - wantMajor || minor - wantMinor || (patch || 0) - wantPatch) >= 0;
}

async function makeExecutable(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await chmod(join(folder, name), 0o755);
}

/** Builds without the host's C library; the host's Go settings decide the rest. */
export const GO_BUILD = { CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
