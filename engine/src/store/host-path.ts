import { homedir } from "node:os";
import { resolve } from "node:path";

/** A path that the user gives: relative to `folder`, or to the home directory if it begins with "~". */
export function hostPath(folder: string, path: string): string {
  return resolve(
    folder,
    path.replace(/^~(?=\/|$)/, () => homedir()),
  );
}
