import { randomBytes } from "node:crypto";
import { dag, type Secret } from "@dagger.io/dagger";

/** The database account of one run. */
export interface Credentials {
  database: Secret;
  user: Secret;
  password: Secret;
}

/**
 * Makes an account that exists for one run alone: nothing in it is known before or of use afterwards.
 * @param owner tells it from others of the same call. An engine knows a secret by its name: what uses it is kept although
 *   its value is another each time, and two of one name in a call could be taken for each other.
 */
export function generateCredentials(owner: string): Credentials {
  return {
    database: generate(`${owner}-postgres-db`, "db_"),
    user: generate(`${owner}-postgres-user`, "user_"),
    password: generate(`${owner}-postgres-password`, ""),
  };
}

/** A secret of 24 random bytes; letters and digits alone, since names of databases and users are made of them. */
function generate(name: string, prefix: string): Secret {
  return dag.setSecret(name, prefix + randomBytes(24).toString("hex"));
}
