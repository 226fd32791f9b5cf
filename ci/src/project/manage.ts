import { type Fact, found } from "./fact.js";
import type { Files } from "./files.js";

/** Folders whose manage.py is not that of the project, if there is another one. */
const secondary =
  /^(tests?|testing|testproject|test_project|docs?|examples?|example_project|demos?|sandbox|samples?|benchmarks?|e2e|fixtures|scripts|tools|utils|contrib)$/i;

/**
 * Finds manage.py: at the top, in src/, one folder down or deeper; the nearest to the top is meant.
 * @throws Error, one line, if there is none, or several are equally near.
 */
export async function findManage(files: Files): Promise<Fact<string>> {
  const named = files.named("manage.py").filter((path) => !isTemplate(path));
  const django: string[] = [];
  await Promise.all(named.map(async (path) => (await isDjango(files, path)) && django.push(path)));
  const candidates = named.filter((path) => django.includes(path));
  const own = candidates.filter((path) => !folders(path).some((part) => secondary.test(part)));
  const eligible = own.length > 0 ? own : candidates;
  const [first] = eligible;
  if (first === undefined) throw new Error(explainMissing(files, named));
  const rivals = eligible.filter((path) => folders(path).length === folders(first).length);
  const chosen = rivals.find((path) => path === "src/manage.py") ?? first;
  if (rivals.length > 1 && chosen === first && first !== "src/manage.py") {
    const [list, example] = [rivals.join(", "), JSON.stringify({ manage: first })];
    throw new Error(
      `several manage.py: ${list}: pass the folder of one with --app, or name it in stackline.json: ${example}`,
    );
  }
  return found(chosen, { file: chosen });
}

/** A template of cookiecutter or copier has variables as the names of folders. */
const isTemplate = (path: string): boolean => /\{\{|\{%/.test(path);
const folders = (path: string): string[] => path.split("/").slice(0, -1);

/** Flask's projects have a manage.py, too. What starts Django may lie in a module that manage.py imports. */
async function isDjango(files: Files, path: string): Promise<boolean> {
  const text = await files.text(path);
  return /django|DJANGO_SETTINGS_MODULE|execute_from_command_line/.test(text) || !/flask/i.test(text);
}

function explainMissing(files: Files, named: string[]): string {
  const [other] = named;
  if (other !== undefined) return `${other} does not start Django: this is no Django project`;
  const template = files.paths.find(isTemplate);
  if (template !== undefined)
    return `no manage.py: ${template.split("/")[0]} is a template: generate a project from it first`;
  return "no manage.py in this folder or below: pass the folder of a Django project with --app";
}
