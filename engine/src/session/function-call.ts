import { ExecError, UserError } from "../core/errors.ts";

/** Folders that are no part of a module's source, wherever they are in it. */
export const NOT_SOURCE = [".git", "node_modules"];

/** A running call of a module's function. */
export class FunctionCall {
  readonly result: Promise<unknown>;
  settled = false;
  resolve!: (value: unknown) => void;
  private fail!: (error: Error) => void;

  constructor(
    readonly moduleName: string,
    readonly moduleDigest: string,
    readonly sourcePath: string,
    /** "" requests the module's type definitions. */
    readonly parentName: string,
    /** "" is the constructor. */
    readonly name: string,
    readonly parent: unknown,
    readonly inputArgs: { name: string; value: unknown }[],
  ) {
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.fail = reject;
    });
    const settle = (): void => {
      this.settled = true;
    };
    this.result.then(settle, settle);
  }

  /** The function failed: a failed exec keeps its command, exit code and output. */
  reject({ message, values }: { message: string; values: { name: string; value: string }[] }): void {
    const found = Object.fromEntries(values.map(({ name, value }) => [name, JSON.parse(value)]));
    const isExec = found._type === "EXEC_ERROR";
    this.fail(
      isExec
        ? new ExecError(
            found.cmd ?? [],
            found.exitCode ?? -1,
            found.stdout ?? "",
            found.stderr ?? "",
            message,
          )
        : new UserError(message),
    );
  }

  /** The process ended without an answer. */
  abandon(reason: string): void {
    this.fail(new UserError(reason));
  }
}
