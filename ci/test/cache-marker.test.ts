import { ExecError } from "@dagger.io/dagger";
import { expect, test } from "vitest";
import { rethrow, withMarker } from "../src/pipeline/cache-marker.ts";

const failure = (cmd: string[]): ExecError =>
  new ExecError(`process "${cmd.join(" ")}" did not complete successfully: exit code: 1`, {
    cmd,
    exitCode: 1,
    stdout: "FAIL Redis",
    stderr: "",
    extensions: { _type: "EXEC_ERROR", cmd },
  } as never);

test("an error quotes the command that a person would write, and keeps its output", () => {
  const command = ["python", "/check_page.py", "http://nginx:80"];
  for (const cmd of [command, withMarker(command)]) {
    const error = failure(cmd);
    expect(() => rethrow(error)).toThrow(error);
    expect(error).toMatchObject({
      message: 'process "python /check_page.py http://nginx:80" did not complete successfully: exit code: 1',
      cmd: command,
      stdout: "FAIL Redis",
      extensions: { _type: "EXEC_ERROR", cmd: command },
    });
  }
});

test("another error stays as it is", () => {
  const error = new Error("no such file");
  expect(() => rethrow(error)).toThrow(error);
});
