import type { TypeDefValue } from "../api/types.ts";
import type { Engine } from "../engine.ts";
import { hostPath } from "../store/host-path.ts";
import { checkTarget, type TargetKind } from "../store/target.ts";

/** What `--output` has to be for each type of the API that can be exported; any other result is saved as text. */
const kinds: Record<string, TargetKind> = { Container: "file", Directory: "directory", File: "entry" };

/**
 * Checks the path of `--output` before anything runs.
 * @throws PathError when it cannot take a result of this type.
 */
export function checkOutput(engine: Engine, type: TypeDefValue, output: string | undefined): void {
  if (output === undefined || type.kind === "VOID_KIND") return;
  const isObject = type.kind === "OBJECT_KIND" || type.kind === "INTERFACE_KIND";
  const kind = isObject ? kinds[type.name] : "file";
  if (kind) checkTarget(hostPath(engine.session.workdir, output), kind);
}
