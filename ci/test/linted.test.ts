import { expect, test } from "vitest";
import { isFolderOf } from "../src/pipeline/linted.ts";

const app = ["manage.py", "shop/settings.py", "shop/wsgi.py"];
const under = (folder: string, paths: string[]): string[] => paths.map((path) => folder + path);

test.each<[name: string, source: string[], app: string[], isFolder: boolean]>([
  ["an application in a folder of the source", ["tools/x.py", ...under("app/", app)], app, true],
  ["one that is the source", app, app, true],
  ["one of another project with the same files but one", under("app/", app.slice(1)), app, false],
  ["one with a file less", under("app/", app), app.slice(1), false],
  ["another project", ["app/manage.py", "app/devops_001/settings.py"], app, false],
  [
    "installed packages, which one of both has",
    [...app, ".venv/lib/x.py", "ui/node_modules/y.py"],
    app,
    true,
  ],
  ["nothing", app, [], false],
])("%s", (_, source, own, isFolder) => {
  expect(isFolderOf(source, own)).toBe(isFolder);
});
