import type { Directory } from "@dagger.io/dagger";
import { checkRequirements } from "./requirements.js";

/** What the image is built and run from. */
const needed = ["Dockerfile", "docker/", "manage.py", "requirements.txt"];

/**
 * Checks the application's folder before anything is built or started from it.
 * @throws Error, one line, with what is missing, and with file and line for a fault in the requirements.
 */
export async function checkApplication(app: Directory): Promise<void> {
  const entries = await app.entries();
  const missing = missingFrom(entries);
  if (missing.length > 0) {
    const elsewhere = missing.includes("manage.py") ? await app.glob("*/manage.py") : [];
    throw new Error(describeMissing(missing, elsewhere));
  }
  await checkRequirements(app);
}

/** @param entries names in the folder; those of folders may end with a slash. */
export function missingFrom(entries: readonly string[]): string[] {
  const names = entries.map((name) => name.replace(/\/$/, ""));
  return needed.filter((name) => !names.includes(name.replace(/\/$/, "")));
}

/** @param elsewhere paths of manage.py in folders of the folder. */
export function describeMissing(missing: readonly string[], elsewhere: readonly string[]): string {
  const place = elsewhere[0]?.replace(/\/manage\.py$/, "");
  const hint =
    place === undefined
      ? "give --app the folder that has all of these: Dockerfile, docker/, manage.py, requirements.txt"
      : `there is a manage.py in its folder ${place}: give --app that folder, with Dockerfile, docker/ and requirements.txt beside it`;
  return `the application's folder has no ${missing.join(", ")}: ${hint}`;
}
