import { posix } from "node:path";
import { byDefault, type Fact, found, guessed } from "./fact.js";
import { type Files, folderOf, withParents } from "./files.js";
import type { Modules } from "./modules.js";
import type { Server } from "./project.js";
import type { SettingsFile } from "./settings.js";

/** The names of an application object in wsgi.py and asgi.py, in the order of preference. */
const objects = ["application", "app", "asgi_app", "wsgi_app"];

/**
 * The application of a server: what the settings name if that exists, else what a file named wsgi.py or asgi.py defines.
 * @returns "mysite.wsgi:application"
 */
export async function findApplication(
  files: Files,
  modules: Modules,
  settings: SettingsFile[],
  server: Server,
): Promise<Fact<string> | undefined> {
  const setting = `${server.toUpperCase()}_APPLICATION`;
  for (const { path, source } of settings) {
    for (const { text, line } of source.assigned(setting)) {
      const [, module = "", name = ""] = /^(\w+(?:\.\w+)*)[.:](\w+)$/.exec(text) ?? [];
      if (module && modules.file(module)) return found(`${module}:${name}`, { file: path, line });
    }
  }
  const path = entryFile(files, modules, settings, server);
  if (path === undefined) return undefined;
  const source = await files.python(path);
  const name = objects.find((object) => source.defines(object)) ?? "application";
  return guessed(`${modules.name(path)}:${name}`, { file: path });
}

/** wsgi.py or asgi.py: beside the settings or above them, else the one nearest to the top. */
export function entryFile(
  files: Files,
  modules: Modules,
  settings: SettingsFile[],
  server: Server,
): string | undefined {
  const names = [`${server}.py`, `${server}/__init__.py`];
  const [first] = settings;
  const near = first ? withParents(folderOf(first.path)) : [];
  const beside = files.firstOf(near, names);
  const below = files.paths
    .filter((path) => names.some((name) => path === name || path.endsWith(`/${name}`)))
    .filter((path) => !/(^|\/)(tests?|docs?|examples?)\//.test(path));
  const inFolder = below.find((path) => path.startsWith(posix.join(modules.folder, "/").replace(/^\//, "")));
  return beside ?? inFolder ?? below[0];
}

/** Packages that serve or need ASGI. */
const asgiPackages = ["channels", "daphne", "uvicorn", "uvicorn-worker", "hypercorn"];

/** Whether the project is served by WSGI or ASGI. */
export function chooseServer(
  wsgi: Fact<string> | undefined,
  asgi: Fact<string> | undefined,
  packages: Record<string, Fact<string>>,
): Fact<Server> {
  const because = asgiPackages.map((name) => packages[name]).find(Boolean);
  if (asgi && because?.file) return guessed("asgi", { file: because.file, line: because.line });
  if (asgi?.file && !wsgi) return found("asgi", { file: asgi.file });
  return wsgi?.file ? { ...wsgi, origin: "found", value: "wsgi" } : byDefault("wsgi");
}
