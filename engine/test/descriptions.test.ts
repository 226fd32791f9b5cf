import { expect, it } from "vitest";
import { describeField } from "../src/cli/descriptions.ts";

it("help shows the SDK's descriptions of API functions and their arguments", () => {
  const { text, args } = describeField("Container", "withExec");
  expect(text).not.toBe("");
  expect(args.get("args")).not.toBe("");
  expect(args.get("redirectStdout")).toMatch(/redirect/i);
  expect(describeField("Directory", "export").text).not.toBe("");
});

it("help is empty for a function that the SDK does not know", () => {
  expect(describeField("Nothing", "at")).toEqual({ text: "", args: new Map() });
});
