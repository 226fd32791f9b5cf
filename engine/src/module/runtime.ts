import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TransformFailure } from "esbuild";
import { PROXY_VARIABLES } from "../client/proxies.ts";
import { FunctionCall } from "../session/function-call.ts";
import type { SessionServer } from "../session/server.ts";
import type { Session } from "../session/session.ts";
import type { ModuleConfig } from "./config.ts";
import { provideSdk, type SdkFiles } from "./sdk.ts";
import type { ModuleTypes } from "./types.ts";

/** A module's process lives for seconds: a smaller nursery costs no time and saves a tenth of its memory. */
const LEAN = ["--max-semi-space-size=2"];

/** Environment variables passed to a module's process: those that Node needs and the proxies, none of the user's own. */
const PASSED = ["PATH", "HOME", "TMPDIR", "NODE_EXTRA_CA_CERTS", "LANG", ...PROXY_VARIABLES];

export interface CallRequest {
  parentName: string;
  name: string;
  parent: unknown;
  inputArgs: { name: string; value: unknown }[];
}

/** Runs a module's functions in processes of their own. */
export class Runtime {
  constructor(
    private readonly session: Session,
    private readonly server: SessionServer,
    private readonly config: ModuleConfig,
    /** The types of the modules that it depends on. */
    private readonly dependencies: readonly ModuleTypes[] = [],
  ) {}

  /** Runs one function in a new process; returns its result as JSON. */
  async call(request: CallRequest, log: (text: string) => void): Promise<unknown> {
    const { name, digest, source } = this.config;
    const call = new FunctionCall(
      name,
      digest,
      source,
      request.parentName,
      request.name,
      request.parent,
      request.inputArgs,
    );
    const id = randomUUID();
    this.session.functionCalls.set(id, call);
    const token = this.server.issueToken(id);
    try {
      const sdk = await provideSdk(this.session.store, this.config.source, this.dependencies);
      this.start(call, token, sdk, log);
      return await call.result;
    } finally {
      this.server.revokeToken(token);
      this.session.functionCalls.delete(id);
    }
  }

  private start(call: FunctionCall, token: string, sdk: SdkFiles, log: (text: string) => void): void {
    const env = Object.fromEntries(
      PASSED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
    );
    const child = spawn(
      process.execPath,
      ["--no-deprecation", ...LEAN, sdk.entrypoint, ...this.config.files, sdk.types],
      {
        cwd: this.config.source,
        env: {
          ...env,
          DAGGER_SESSION_PORT: String(this.server.port),
          DAGGER_SESSION_TOKEN: token,
          TSX_TSCONFIG_PATH: sdk.tsconfig,
        },
        // The process ends when its input closes: with the engine, however that ends.
        stdio: ["pipe", "pipe", "pipe"],
      },
    );
    let tail = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        tail = (tail + text).slice(-8_192);
        // Output after the result is ignored: the session may already be closing.
        if (!call.settled) log(text);
      });
    }
    this.session.children.add(child);
    child.on("error", (error) => call.abandon(`the module could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      this.session.children.delete(child);
      if (!call.settled)
        void describeEnd(code, signal, tail, this.config.files).then((reason) => call.abandon(reason));
    });
  }
}

/** Why a process ended without a result: the position of a syntax error in the sources, else its last output. */
async function describeEnd(
  code: number | null,
  signal: NodeJS.Signals | null,
  tail: string,
  files: string[],
): Promise<string> {
  // Node's exit code after an uncaught error. Any other end has another reason, even if a file does not compile.
  const mistake = code === 1 ? await findMistake(files) : undefined;
  if (mistake) return `the module does not compile: ${mistake}`;
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  // Without Node's version, with which it ends its report of an uncaught error.
  const words = tail.replace(/\n+Node\.js v\S+\s*$/, "").trimEnd();
  return `the module's process ${how} before it answered${words && `. Its last words:\n${words}`}`;
}

/** The SDK's decorators are those of TypeScript: without this, each on a parameter is a mistake. */
const DECORATORS = { compilerOptions: { experimentalDecorators: true } };

/** The first syntax error in the sources: Node's own message depends on how the file was loaded. */
async function findMistake(files: string[]): Promise<string | undefined> {
  const { transform } = await import("esbuild");
  for (const file of files) {
    try {
      await transform(readFileSync(file, "utf8"), {
        loader: "ts",
        logLevel: "silent",
        tsconfigRaw: DECORATORS,
      });
    } catch (error) {
      const [{ location, text }] = (error as TransformFailure).errors as [TransformFailure["errors"][number]];
      return `${file}:${location?.line ?? 1}:${(location?.column ?? 0) + 1}: ${text}`;
    }
  }
  return undefined;
}
