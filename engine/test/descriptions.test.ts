import { expect, it } from "vitest";
import { describeField } from "../src/cli/descriptions.ts";

it("help has the SDK's words for the API's functions and their arguments", () => {
  const { text, args } = describeField("Container", "withExec");
  expect(text).not.toBe("");
  expect(args.get("args")).not.toBe("");
  expect(args.get("redirectStdout")).toMatch(/redirect/i);
  expect(describeField("Directory", "export").text).not.toBe("");
});

it("help of what the SDK does not know is empty, not an error", () => {
  expect(describeField("Nothing", "at")).toEqual({ text: "", args: new Map() });
});
