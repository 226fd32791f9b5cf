import { userInfo } from "node:os";
import { join, resolve } from "node:path";

/**
 * The cache directory: STACKLINE_CACHE, else `stackline` in XDG_CACHE_HOME or in `.cache` of the home directory. A relative
 * path starts at the working directory. Plain JavaScript, because engine/start.mjs needs it before anything is compiled.
 */
export function cacheDirectory(env = process.env) {
  return resolve(env.STACKLINE_CACHE || join(env.XDG_CACHE_HOME || join(home(env), ".cache"), "stackline"));
}

function home({ HOME }) {
  if (HOME) return HOME;
  try {
    return userInfo().homedir;
  } catch {
    throw new Error(
      "there is no cache directory: HOME is not set, and this user has no home directory; set STACKLINE_CACHE to a folder",
    );
  }
}
