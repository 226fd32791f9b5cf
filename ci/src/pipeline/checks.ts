import { type Container, dag, type File } from "@dagger.io/dagger";
import { imageFolder } from "../packaging/context.js";
import { type Entry, type Part, parts } from "../stack/stack.js";
import { images } from "../versions.js";
import { rethrow, withMarker } from "./cache-marker.js";

/** @throws Error that lists the valid parts, for an unknown name. */
export function parseParts(names: readonly string[]): Part[] {
  const unknown = names.find((name) => !(parts as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(`unknown part ${JSON.stringify(unknown)}: use ${parts.join(", ")}`);
  return [...names] as Part[];
}

/** Checks the page, a line for each component, or the parts of a site without that page; fails unless all are ok. */
export function checkPage(entry: Entry): Container {
  const { facts, application, host, service } = entry;
  if (facts.hasChecks) return client(entry).withExec(withMarker(reader(entry)));
  const verify = ["/opt/docker/entrypoint", "python", "/opt/docker/check_site.py", address(entry)];
  return application.withServiceBinding(host, service).withExec(withMarker(verify));
}

/** The lines. */
export function runChecks(entry: Entry): Promise<string> {
  return checkPage(entry).stdout().catch(rethrow);
}

/** The page as nginx serves it, in HTML. */
export function readPage(entry: Entry): Promise<string> {
  return client(entry)
    .withExec([...reader(entry), "--html"])
    .stdout();
}

/** The page in a browser, requested as localhost: the one host name that every application accepts. */
export function photographPage({ host, port, service, facts }: Entry, width: number, height: number): File {
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
      `http://localhost/${facts.hasChecks ? "checks" : ""}`,
    ])
    .file("/tmp/checks.png");
}

const address = ({ host, port }: Entry): string => `http://${host}:${port}`;

const reader = (entry: Entry): string[] => ["python", "/check_page.py", "--tries=3", address(entry)];

function client({ host, service }: Entry): Container {
  return dag
    .container()
    .from(images.python)
    .withFile("/check_page.py", imageFolder().file("check_page.py"))
    .withServiceBinding(host, service);
}
