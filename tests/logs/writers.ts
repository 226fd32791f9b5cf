import { fileURLToPath } from "node:url";
import { images } from "../../ci/src/versions.ts";
import { APP_IMAGE, services } from "../stack/production.ts";

/** The scripts that run in containers. */
export const SCRIPTS = fileURLToPath(new URL("./scripts", import.meta.url));
export const NUMBERED = ["one", "two", "three"];

/** Services that only log, with production's logging options. */
export function writers(): Record<string, unknown> {
  const { logging } = services.app as { logging: unknown };
  const numbered = (name: string) => ({
    image: images.nginx,
    entrypoint: ["bash", "/scripts/count", name, "$" + "{LINES:-0}", "$" + "{RATE:-0}"],
    volumes: ["$" + "{SCRIPTS}:/scripts:ro"],
    logging,
    init: true,
  });
  const odd = {
    image: APP_IMAGE,
    entrypoint: ["python", "/scripts/odd.py"],
    volumes: ["$" + "{SCRIPTS}:/scripts:ro"],
    logging,
    init: true,
  };
  return { ...Object.fromEntries(NUMBERED.map((name) => [name, numbered(name)])), odd };
}
