import { randomBytes } from "node:crypto";
import { dag, type Secret } from "@dagger.io/dagger";

/** The database account of one run. */
export interface Credentials {
  database: Secret;
  user: Secret;
  password: Secret;
}

/** Makes an account that exists for one run alone: nothing in it is known before or of use afterwards. */
export function generateCredentials(): Credentials {
  return {
    database: generate("postgres-db", "db_"),
    user: generate("postgres-user", "user_"),
    password: generate("postgres-password", ""),
  };
}

/** A secret of 24 random bytes; letters and digits alone, since names of databases and users are made of them. */
function generate(name: string, prefix: string): Secret {
  return dag.setSecret(name, prefix + randomBytes(24).toString("hex"));
}
