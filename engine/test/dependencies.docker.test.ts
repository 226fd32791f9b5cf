import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { runChain } from "../src/cli/chain.ts";
import { defaults } from "../src/cli/options.ts";
import { post, temporaryFolder, withSession } from "./support.ts";

const root = temporaryFolder();
const storePath = temporaryFolder();

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A module in a folder of its name. */
function makeModule(name: string, source: string, dependencies: unknown[] = []): void {
  write(`${name}/dagger.json`, JSON.stringify({ name, sdk: "typescript", source: ".", dependencies }));
  write(`${name}/package.json`, '{ "type": "module" }');
  write(`${name}/src/index.ts`, source);
}

makeModule(
  "texts",
  `import { dag, Directory, func, object } from "@dagger.io/dagger";
export enum Tone { Calm = "calm", Loud = "loud" }
@object() export class Line {
  @func() text: string;
  constructor(text = "") { this.text = text; }
  @func() again(): Line { return new Line(this.text + this.text); }
}
@object() export class Texts {
  private readonly greeting: string;
  constructor(greeting = "hello") { this.greeting = greeting; }
  @func() greet(name: string, tone: Tone = Tone.Calm, times = 1): string {
    const line = this.greeting + " " + name;
    return (tone === Tone.Loud ? line.toUpperCase() : line).repeat(times);
  }
  @func() lines(texts: string[]): Line[] { return texts.map((text) => new Line(text)); }
  @func() folder(dir: Directory, name: string): Directory { return dir.withNewFile(name, "made"); }
}`,
);
makeModule(
  "between",
  `import { dag, func, object } from "@dagger.io/dagger";
@object() export class Between {
  @func() async word(): Promise<string> { return dag.texts({ greeting: "between" }).greet("x"); }
}`,
  [{ name: "texts", source: "../texts" }],
);
makeModule(
  "main",
  `import { dag, func, object, WordsTone } from "@dagger.io/dagger";
@object() export class Main {
  @func() async all(): Promise<string> {
    const words = dag.words();
    const [line] = await words.lines(["a"]);
    const results = await Promise.all([
      words.greet("you"),
      dag.words({ greeting: "hi" }).greet("you", { tone: WordsTone.Loud, times: 2 }),
      line.again().text(),
      words.folder(dag.directory().withNewFile("own", ""), "new").entries(),
      dag.between().word(),
      words.greet("you", { times: -1 }).catch((error) => error.message),
      "texts" in dag,
    ]);
    return results.join(" | ");
  }
}`,
  [
    { name: "words", source: "../texts" },
    { name: "between", source: "../between" },
  ],
);

describe("a module that depends on others", () => {
  it("calls their functions, under the names that it gives them, with the classes of the official client", () =>
    withSession({ storePath, workdir: join(root, "main"), withDocker: false }, async ({ engine }) => {
      const { config } = await engine.loadModule(join(root, "main"));
      const { result } = await runChain(engine, ["all"], defaults, []);
      expect(String(result).split(" | ")).toEqual([
        "hello you",
        "HI YOUHI YOU",
        "aa",
        "new,own",
        "between x",
        expect.stringContaining("Invalid count value"),
        "false",
      ]);
      expect(config.dependencies.map(({ apiName }) => apiName)).toEqual(["words", "between"]);
      const asked = await post(engine, '{ words { greet(name: "x") } }');
      expect(await asked.text()).toContain("Query.words is not part of");
    }));
});
