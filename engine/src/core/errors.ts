/** A failure that the user caused and can fix: printed as one line, without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** What the official engine's ExecError carries in a GraphQL error's extensions. */
export interface ExecErrorExtensions {
  _type: "EXEC_ERROR";
  cmd: string[];
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A command in a container that ended otherwise than expected. */
export class ExecError extends Error {
  override readonly name = "ExecError";

  constructor(
    readonly cmd: string[],
    readonly exitCode: number,
    readonly stdout: string,
    readonly stderr: string,
    message = `process "${cmd.join(" ")}" did not complete successfully: exit code: ${exitCode}`,
  ) {
    super(message);
  }

  get extensions(): ExecErrorExtensions {
    return {
      _type: "EXEC_ERROR",
      cmd: this.cmd,
      exitCode: this.exitCode,
      stdout: this.stdout,
      stderr: this.stderr,
    };
  }
}
