import { randomBytes } from "node:crypto";
import { dag, type Secret } from "@dagger.io/dagger";

/** The database account of one run, and the key that Django signs with. */
export interface Credentials {
  database: Secret;
  user: Secret;
  password: Secret;
  key: Secret;
}

/**
 * Credentials are generated for each run and discarded afterwards.
 * @param owner prefix of the secret names. The engine identifies a secret by its name: results that use it are cached although
 *   the value changes, and two secrets of one name in a call would be confused.
 */
export function generateCredentials(owner: string): Credentials {
  return {
    database: generate(`${owner}-postgres-db`, "db_"),
    user: generate(`${owner}-postgres-user`, "user_"),
    password: generate(`${owner}-postgres-password`, ""),
    key: generate(`${owner}-secret-key`, ""),
  };
}

/** A secret of 24 random bytes in letters and digits, which are valid in names of databases and users. */
function generate(name: string, prefix: string): Secret {
  return dag.setSecret(name, prefix + randomBytes(24).toString("hex"));
}
