import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FunctionValue } from "../../engine/src/api/types.ts";
import { Engine } from "../../engine/src/engine.ts";
import { silentView } from "../../engine/src/session/progress.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Loads the module's type definitions, as it registers them. Needs no Docker. */
export async function openModule(): Promise<{ engine: Engine; close(): Promise<void> }> {
  const storePath = mkdtempSync(join(tmpdir(), "stackline-types-"));
  const engine = new Engine({ view: silentView, workdir: root, storePath });
  const close = async (): Promise<void> => {
    await engine.close();
    rmSync(storePath, { recursive: true, force: true });
  };
  try {
    await engine.start(false);
    await engine.loadModule(root);
    return { engine, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The module's functions, from its type definitions. */
export async function functionsOfModule(): Promise<FunctionValue[]> {
  const { engine, close } = await openModule();
  const functions = engine.module?.types.main.functions ?? [];
  await close();
  return functions;
}
