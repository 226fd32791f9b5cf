import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FunctionValue, TypeDefValue } from "../../engine/src/api/types.ts";
import { kebabCase } from "../../engine/src/cli/model.ts";
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

/** A function of the module. */
export interface ModuleFunction extends FunctionValue {
  /** Words after `dagger call`: "test", or "site status" for a function of an object that another one returns. */
  command: string;
}

/** The functions of all objects of the module, from its type definitions. */
export async function functionsOfModule(): Promise<ModuleFunction[]> {
  const { engine, close } = await openModule();
  const types = engine.module?.types;
  await close();
  return types ? functionsOf(types.main, types.definition.objects) : [];
}

function functionsOf(
  type: TypeDefValue,
  objects: readonly TypeDefValue[],
  words: readonly string[] = [],
): ModuleFunction[] {
  return type.functions.flatMap((fn) => {
    const path = [...words, kebabCase(fn.name)];
    const returned = objects.find(({ name }) => name === fn.returnType.name);
    return [{ ...fn, command: path.join(" ") }, ...(returned ? functionsOf(returned, objects, path) : [])];
  });
}
