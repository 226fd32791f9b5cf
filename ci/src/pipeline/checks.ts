import { type Container, type Directory, dag, type File } from "@dagger.io/dagger";
import { type Entry, type Part, parts } from "../stack/stack.js";
import { images } from "../versions.js";
import { withMarker } from "./cache-marker.js";

/** @throws Error that lists the valid parts, for an unknown name. */
export function parseParts(names: readonly string[]): Part[] {
  const unknown = names.find((name) => !(parts as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(`unknown part ${JSON.stringify(unknown)}: use ${parts.join(", ")}`);
  return [...names] as Part[];
}

/** Six lines, one for each component; fails unless all are ok. */
export function runChecks(app: Directory, entry: Entry): Container {
  return client(app, entry).withExec(withMarker(["python", "/check_page.py", address(entry)]));
}

/** The page as nginx serves it, in HTML. */
export function readPage(app: Directory, entry: Entry): Promise<string> {
  return client(app, entry)
    .withExec(["python", "/check_page.py", "--html", address(entry)])
    .stdout();
}

/** The page in a browser, requested as localhost: the one host name that every application accepts. */
export function photographPage({ host, port, service }: Entry, width: number, height: number): File {
  return dag
    .container()
    .from(images.chromium)
    .withServiceBinding(host, service)
    .withWorkdir("/tmp")
    .withExec([
      "chromium-browser",
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      `--window-size=${width},${height}`,
      `--host-resolver-rules=MAP localhost ${host}:${port}`,
      "--screenshot=/tmp/checks.png",
      "http://localhost/checks",
    ])
    .file("/tmp/checks.png");
}

function address({ host, port }: Entry): string {
  return `http://${host}:${port}`;
}

function client(app: Directory, { host, service }: Entry): Container {
  return dag
    .container()
    .from(images.python)
    .withFile("/check_page.py", app.file("docker/check_page.py"))
    .withServiceBinding(host, service);
}
