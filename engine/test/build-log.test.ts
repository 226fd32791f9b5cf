import { createRequire } from "node:module";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { BuildLog } from "../src/docker/buildkit.ts";

const proto = createRequire(import.meta.url).resolve("dockerode/lib/proto/buildkit_status.proto");
const StatusResponse = protobuf.loadSync(proto).lookupType("moby.buildkit.v1.StatusResponse");

/** A status message as Docker sends it. */
const status = (content: object): string =>
  Buffer.from(StatusResponse.encode(StatusResponse.fromObject(content)).finish()).toString("base64");
const output = (vertex: string, msg: string): string =>
  status({ logs: [{ vertex, msg: Buffer.from(msg), stream: 1 }] });
const now = { seconds: 1 };

function shown(messages: string[], secrets: string[]): { text: string; failed: string } {
  let text = "";
  const log = new BuildLog((piece) => {
    text += piece;
  }, secrets);
  for (const message of messages) log.add(message);
  return { failed: log.failedOutput, text };
}

describe("the log of a build", () => {
  it("masks a secret that arrives in two pieces, between those of another step", () => {
    const pieces = [output("a", "<batte"), output("b", "other\n"), output("a", "ry-staple>\n")];
    const { text } = shown(pieces, ["NAME=x\nTOKEN=battery-staple\n"]);
    expect(text).toBe("<other\n***>\n");
  });

  it("shows the end of a step's output that is only the start of a secret", () => {
    const started = { digest: "a", name: "RUN x", started: now };
    const messages = [status({ vertexes: [started] }), output("a", "batte")];
    const done = status({ vertexes: [{ ...started, completed: now }] });
    expect(shown([...messages, done], ["battery-staple"]).text).toBe("RUN x\nbatte");
    const failed = status({ vertexes: [{ ...started, error: "exit code 1" }] });
    expect(shown([...messages, failed], ["battery-staple"]).failed).toBe("batte");
  });
});
