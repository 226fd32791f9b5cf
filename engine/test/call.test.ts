import { describe, expect, it } from "vitest";
import { Call, callsOf, decodeId, encodeId } from "../src/core/call.ts";

const base = new Call("Container", undefined, "container", { platform: null });
const from = (address: string): Call => new Call("Container", base, "from", { address });
const dir = new Call("Directory", undefined, "directory");

function tampered(
  id: string,
  change: (recipe: { root: string; calls: Record<string, never> }) => void,
): string {
  const recipe = JSON.parse(Buffer.from(id, "base64url").toString());
  change(recipe);
  return Buffer.from(JSON.stringify(recipe)).toString("base64url");
}

describe("a call", () => {
  it("has the same digest if its parent, field and arguments are the same", () => {
    expect(from("a").digest).toBe(from("a").digest);
    expect(from("a").digest).not.toBe(from("b").digest);
    expect(new Call("Container", undefined, "from", { address: "a" }).digest).not.toBe(from("a").digest);
  });

  it("has a digest that ignores the order of arguments, but not that of a list", () => {
    const call = (args: object): string => new Call("T", undefined, "f", args as never).digest;
    expect(call({ a: 1, b: { x: 1, y: 2 } })).toBe(call({ b: { y: 2, x: 1 }, a: 1 }));
    expect(call({ a: [1, 2] })).not.toBe(call({ a: [2, 1] }));
    expect(call({ a: null })).not.toBe(call({}));
    expect(call({ a: "1" })).not.toBe(call({ a: 1 }));
  });

  it("has a different digest for each item of a list", () => {
    const item = (nth: number): string => new Call("Port", base, "exposedPorts", {}, nth).digest;
    expect(item(0)).not.toBe(item(1));
  });
});

describe("an ID", () => {
  it("decodes to the call with everything that it refers to", () => {
    const call = new Call("Container", from("a"), "withDirectory", {
      path: "/x",
      source: dir,
      list: [dir, "s"],
      nested: { in: dir },
    });
    const back = decodeId(encodeId(call));
    expect(back.digest).toBe(call.digest);
    expect(back.args).toEqual(call.args);
    expect(
      callsOf(back)
        .map(({ field }) => field)
        .sort(),
    ).toEqual(["container", "directory", "from", "withDirectory"]);
  });

  it("contains a shared call once, and encodes chains of any length", () => {
    let chain: Call = base;
    for (let i = 0; i < 5_000; i++)
      chain = new Call("Container", chain, "withEnvVariable", { name: "A", value: String(i) });
    expect(decodeId(encodeId(chain)).digest).toBe(chain.digest);
    let doubled: Call = dir;
    for (let i = 0; i < 100; i++)
      doubled = new Call("Directory", doubled, "withDirectory", { source: doubled });
    expect(encodeId(doubled).length).toBeLessThan(100_000);
  });

  it("that cannot be decoded is rejected", () => {
    for (const text of [
      "",
      "nonsense",
      "e30",
      Buffer.from("[]").toString("base64url"),
      Buffer.from("null").toString("base64url"),
    ])
      expect(() => decodeId(text)).toThrow(/^invalid ID/);
  });

  it("that was tampered with is rejected", () => {
    const id = encodeId(from("a"));
    const renamed = tampered(id, (recipe) => {
      Object.assign(recipe.calls[recipe.root] as never, { args: { address: "b" } });
    });
    expect(() => decodeId(renamed)).toThrow("does not match its digest");
    const emptied = tampered(id, (recipe) => {
      for (const digest of Object.keys(recipe.calls)) if (digest !== recipe.root) delete recipe.calls[digest];
    });
    expect(() => decodeId(emptied)).toThrow("does not contain");
    const circular = tampered(id, (recipe) => {
      for (const call of Object.values(recipe.calls)) Object.assign(call, { parent: recipe.root });
    });
    expect(() => decodeId(circular)).toThrow("refer to each other");
  });
});
