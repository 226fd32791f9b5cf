import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SessionServer } from "../session/server.ts";
import type { Session } from "../session/session.ts";
import { digestOf } from "../store/store.ts";
import { ENGINE_VERSION } from "../version.ts";
import type { ModuleConfig } from "./config.ts";
import { FunctionCall } from "./function-call.ts";

const require = createRequire(import.meta.url);
const entrypoint = fileURLToPath(new URL("./entrypoint.ts", import.meta.url));

/** Environment that a module's process gets: what Node needs, none of the user's own. */
const PASSED = ["PATH", "HOME", "TMPDIR", "NODE_EXTRA_CA_CERTS", "LANG"];

export interface CallRequest {
  parentName: string;
  name: string;
  parent: unknown;
  inputArgs: { name: string; value: unknown }[];
}

/** Starts the processes that run a module's functions. */
export class Runtime {
  private count = 0;

  constructor(
    private readonly session: Session,
    private readonly server: SessionServer,
    private readonly config: ModuleConfig,
  ) {}

  /** Runs one function in a process of its own; returns what it returned, as JSON. */
  async call(request: CallRequest, log: (text: string) => void): Promise<unknown> {
    const { name, source } = this.config;
    const call = new FunctionCall(
      name,
      source,
      request.parentName,
      request.name,
      request.parent,
      request.inputArgs,
    );
    const id = String(++this.count);
    this.session.functionCalls.set(id, call);
    const token = this.server.issueToken(id);
    try {
      this.start(call, token, log);
      return await call.result;
    } finally {
      this.server.revokeToken(token);
      this.session.functionCalls.delete(id);
    }
  }

  private start(call: FunctionCall, token: string, log: (text: string) => void): void {
    const env = Object.fromEntries(
      PASSED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
    );
    const child = spawn(
      process.execPath,
      ["--import", require.resolve("tsx/esm"), "--no-deprecation", entrypoint, ...this.files()],
      {
        cwd: this.config.source,
        env: {
          ...env,
          DAGGER_SESSION_PORT: String(this.server.port),
          DAGGER_SESSION_TOKEN: token,
          TSX_TSCONFIG_PATH: this.tsconfig(),
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let tail = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        tail = (tail + text).slice(-8_192);
        // What the process says after its answer is of its own end: the session may be closing already.
        if (!call.settled) log(text);
      });
    }
    this.session.children.add(child);
    child.on("error", (error) => call.abandon(`the module could not be started: ${error.message}`));
    child.on("close", (code) => {
      this.session.children.delete(child);
      call.abandon(
        `the module ended with exit code ${code} before it answered${tail ? `:\n${tail.trimEnd()}` : ""}`,
      );
    });
  }

  /**
   * The compiler settings that count at run time, without the module's own path mappings: `dagger develop` maps the SDK to
   * a copy of its own, and decorators have to reach the copy that the entry point uses.
   */
  private tsconfig(): string {
    const { source } = this.config;
    const path = join(this.session.store.path, `sdk-${ENGINE_VERSION}`, `${digestOf(source)}.json`);
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true });
      const compilerOptions = { target: "ES2022", module: "NodeNext", experimentalDecorators: true };
      writeFileSync(path, JSON.stringify({ compilerOptions, include: [`${source}/**/*`] }));
    }
    return path;
  }

  /** The module's files, and the API's own types under the name by which the SDK knows them. */
  private files(): string[] {
    const types = join(this.session.store.path, `sdk-${ENGINE_VERSION}`, "client.gen.ts");
    if (!existsSync(types)) {
      const sdk = dirname(require.resolve("@dagger.io/dagger"));
      mkdirSync(dirname(types), { recursive: true });
      writeFileSync(join(dirname(types), "package.json"), '{"type":"module"}');
      copyFileSync(join(sdk, "api", "client.gen.d.ts"), types);
    }
    return [...this.config.files, types];
  }
}
