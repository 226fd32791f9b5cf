import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commandLine, expectOneLine, fail, sample } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const env = { ...process.env, STACKLINE_CACHE: temporaryFolder(), TERM: "xterm", CI: "" };

/** Runs a command line at a terminal of 100 columns; types each answer when its question appears. */
function atTerminal(words: string[], answers: [question: RegExp, answer: string][]): Promise<string> {
  const [program, line] = commandLine(["-m", sample, "call", ...words]);
  const command = `stty rows 40 cols 100; ${[program, ...line].join(" ")}; echo code $?`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { env });
  const [...left] = answers;
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (!left[0]?.[0].test(output.replaceAll("\r", ""))) return;
    child.stdin.write(left.shift()?.[1]);
  });
  return new Promise((resolve) => child.once("close", () => resolve(output.replaceAll("\r", ""))));
}

const prompt = /dagger \S+ \$ $/;

describe("terminal", () => {
  it("runs a shell in the container, at the size of the user's terminal, and goes on after it", async () => {
    const words = [
      "base",
      "with-new-file",
      "--path=/made",
      "--contents=inside",
      "terminal",
      "file",
      "--path=/made",
      "contents",
    ];
    const output = await atTerminal(words, [
      [prompt, "sleep 1; stty size; cat /made; echo; echo changed > /made; test -t 0 && echo a terminal\n"],
      [/a terminal\n(.*\n)*.*\$ $/, "exit 3\n"],
    ]);
    expect(output).toContain("40 100\ninside");
    expect(output.slice(output.indexOf("exit 3"))).toMatch(/inside\n[\s\S]*code 0\n/);
  });

  it("runs the given command, or the container's own", async () => {
    const given = await atTerminal(["base", "terminal", "--cmd=echo,given", "user"], []);
    expect(given).toMatch(/given\n/);
    const own = ["base", "with-default-terminal-cmd", "--args=echo,own", "terminal", "user"];
    expect(await atTerminal(own, [])).toMatch(/own\n/);
  });

  it("shows a directory in a container of its own", async () => {
    const words = ["source", "terminal", "--cmd=ls,/src", "name"];
    expect(await atTerminal(words, [])).toContain("dagger.json");
  });

  it("is refused in one line where there is none", () => {
    const failure = fail(["-m", sample, "call", "base", "terminal", "user"], env);
    expectOneLine(failure, /^Error: terminal: there is no terminal to open it at: /);
  });
});
