import { execFile } from "node:child_process";
import type { FoundLogin } from "./login.ts";

/** How long a helper may take, in milliseconds: some ask a cloud for a token. */
const TIMEOUT = 60_000;

/** A helper gives this in place of a user's name with an identity token. */
const TOKEN = "<token>";

const NOT_FOUND = /credentials not found in native keychain/;

/** Asks a credential helper for a login: `docker-credential-NAME get` reads the address and prints JSON. */
export async function askHelper(name: string, address: string, env: NodeJS.ProcessEnv): Promise<FoundLogin> {
  const program = `docker-credential-${name}`;
  try {
    const printed = await run(program, address, env);
    if (printed === undefined) return {};
    const { Username, Secret } = JSON.parse(printed) as { Username: string; Secret: string };
    const account = Username === TOKEN ? { identitytoken: Secret } : { username: Username, password: Secret };
    return { login: { ...account, serveraddress: address } };
  } catch (error) {
    return { problem: `no login for ${address}: ${explain(program, error as HelperError)}` };
  }
}

interface HelperError extends NodeJS.ErrnoException {
  killed?: boolean;
  stdout?: string;
}

/** What the helper printed; undefined if it knows no login for the address. */
function run(program: string, address: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, ["get"], { env, timeout: TIMEOUT }, (error, stdout) => {
      if (!error) resolve(stdout);
      else if (NOT_FOUND.test(stdout)) resolve(undefined);
      else reject(Object.assign(error, { stdout }));
    });
    // It may end without reading.
    child.stdin?.on("error", () => undefined).end(address);
  });
}

function explain(program: string, { code, killed, stdout }: HelperError): string {
  // EACCES: a folder of PATH cannot be read, or the file cannot be run.
  if (code === "ENOENT" || code === "EACCES")
    return `the credential helper ${program} of Docker's configuration is not on PATH: install it, or remove it from config.json`;
  if (killed) return `${program} did not answer within ${TIMEOUT / 1_000} s`;
  if (code === undefined) return `${program} printed no login`;
  // A helper explains itself on its standard output. JSON could hold the secret.
  const [said = ""] = (stdout ?? "").trim().split("\n");
  return `${program} failed (${code})${said && !said.includes("{") ? `: ${said}` : ""}`;
}
