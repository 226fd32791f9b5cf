import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const host = fileURLToPath(new URL("../scripts/host", import.meta.url));
const RUN = "20260101T000000Z-deploy-1";

/** The client, here without a network: starts the login shell in its home folder, as sshd does, and then runs the command. */
const SSH = `#!/bin/sh
for command in "$@"; do :; done
cd "$ROOT/home" && export CONNECTION=$$
[ ! -e greet ] || cat greet >&2
exec bash -c '[ ! -e .bashrc ] || . ./.bashrc; eval "$0"' "$command"
`;

/** Instead of the machine's script: cuts the connection as often as it is told. */
const STACKLINE = `#!/usr/bin/env bash
case $1 in
  deploy | follow)
    echo "run ${RUN}"
    echo "$*" >>"$ROOT/home/calls"
    [ "$(wc -l <"$ROOT/home/calls")" -gt "$CUTS" ] || kill -9 "$CONNECTION"
    echo done ;;
  exec) shift; "$@" ;;
  query-logs) echo "WARNING: no swap limit" >&2; printf 'store\\n{}' ;;
esac
`;

let root = "";
beforeEach(() => {
  root = temporaryFolder();
  for (const folder of ["home", "bin", "etc", "run", "payload/host", "secrets"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const path of ["send", "ask", "lib/ssh.sh"]) place(path);
  writeFileSync(join(root, "payload/host/stackline"), STACKLINE);
  writeFileSync(join(root, "bin/ssh"), SSH, { mode: 0o755 });
  writeFileSync(join(root, "etc/directory"), join(root, "site"));
  writeFileSync(join(root, "etc/ssh_config"), "  HostName vm.example\n");
  writeFileSync(join(root, "secrets/ssh-key"), "key");
});

/** Copies a script, with the paths of the pipeline's container inside a temporary folder. */
function place(path: string): void {
  const to = join(root, "payload/host", path);
  cpSync(join(host, path), to);
  const moved = readFileSync(to, "utf8")
    .replaceAll("/payload/host", `${root}/payload/host`)
    .replaceAll(" /payload/.", ` ${root}/payload/.`)
    .replaceAll("/etc/stackline", `${root}/etc`)
    .replaceAll("/run/secrets", `${root}/secrets`)
    .replaceAll("/run/stackline", `${root}/run`)
    .replaceAll(">/answer", `>${root}/answer`)
    .replaceAll("cat /answer", `cat ${root}/answer`)
    .replace("start_patience=90", "start_patience=$PATIENCE")
    .replace("sleep 2\n", "sleep 0.1\n");
  writeFileSync(to, moved);
}

const startUp = (text: string): void => writeFileSync(join(root, "home/.bashrc"), text);

function call(program: "send" | "ask", words: string[], more: Record<string, string> = {}) {
  const env = {
    ...process.env,
    ROOT: root,
    CUTS: "0",
    PATIENCE: "90",
    PATH: `${root}/bin:${process.env.PATH}`,
    ...more,
  };
  return spawnSync("sh", [join(root, "payload/host", program), ...words], { env, encoding: "utf8" });
}

describe.each([
  ["prints nothing", ""],
  ["prints a line", "echo welcome\n"],
  [
    "prints lines that look like the machine's answer",
    `printf 'run other\\nstore\\n'; echo "Permission denied" >&2\n`,
  ],
  ["prints a line without an end", "printf welcome; printf warning >&2\n"],
  [
    "goes elsewhere and sets options",
    "cd /; set -eu; set -o noclobber; export BASH_ENV=$ROOT/home/.bashrc; echo at /\n",
  ],
])("with a login shell that %s", (_, text) => {
  beforeEach(() => startUp(text));

  test("a run goes on after a lost connection, however often that happens to one that was there again", () => {
    const run = call("send", ["deploy"], { CUTS: "12" });
    expect(run.stderr.match(/Reconnecting \(attempt 1\)/g)).toHaveLength(12);
    expect(run.stdout).toMatch(/^done$/m);
    expect(run.status).toBe(0);
    expect(readFileSync(join(root, "home/calls"), "utf8")).toBe(`deploy\n${`follow ${RUN}\n`.repeat(12)}`);
  });

  test("a call has the output of its command and nothing else, byte by byte", () => {
    const words = ["exec", "printf", "%s|", "two\nlines", "it's", "!$x `y`"];
    expect(call("send", words)).toMatchObject({ status: 0, stdout: "two\nlines|it's|!$x `y`|", stderr: "" });
  });

  test("an answer that the pipeline parses has no warnings in it", () => {
    expect(call("ask", ["query-logs"]).status).toBe(0);
    expect(readFileSync(join(root, "answer"), "utf8")).toBe("store\n{}");
  });

  test("a command's exit code is its own, even if it is that of a lost connection", () => {
    for (const code of [3, 255]) {
      const run = call("send", ["exec", "sh", "-c", `echo said >&2; exit ${code}`]);
      expect(run).toMatchObject({ status: code, stdout: "said\n", stderr: "" });
    }
    expect(call("ask", ["exec", "sh", "-c", "echo why >&2; exit 3"])).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/why\n$/),
    });
  });
});

describe("a login shell", () => {
  test.each<[string, string, RegExp, string?]>([
    [
      "runs nothing",
      "echo 'This account is currently not available.'; exit 1\n",
      /vm.example does not run commands: it printed 'This account is currently not available. '/,
    ],
    ["reads standard input", "read line\n", /printed 'its start-up files read standard input '/],
    [
      "never starts the command",
      "exec sleep 100\n",
      /vm.example accepts connections, but its login takes more than 1 s/,
      "1",
    ],
  ])("that %s is named as the cause", (_, text, words, patience = "") => {
    startUp(text);
    const run = call("send", ["deploy"], patience ? { PATIENCE: patience } : {});
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(words);
    expect(readdirSync(join(root, "home"))).not.toContain("calls");
  });

  test("that is cut before a run has a name leaves no doubt about what is known", () => {
    const run = call("send", ["exec", "sh", "-c", 'kill -9 "$CONNECTION"; sleep 1']);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/the connection to vm.example was lost before the call ended/);
  });
});
