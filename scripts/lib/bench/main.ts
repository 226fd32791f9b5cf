// Measures figures and writes their sections of docs/benchmarks.md. Run by scripts/bench.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "zx";
import { format } from "../format.ts";
import { root } from "../module.ts";
import { countRounds, type Figure } from "./figures.ts";
import { image } from "./image.ts";
import { describeMachine } from "./machine.ts";
import { type Options, readOptions } from "./options.ts";
import { replaceSection, section } from "./report.ts";
import { rollout } from "./rollout.ts";
import { serving } from "./serving.ts";
import { steps } from "./steps.ts";
import { tests } from "./tests.ts";

const figures: Figure[] = [tests, image, steps, rollout, serving];
const path = join(root, "docs", "benchmarks.md");

function optionsOrExit(): Options {
  try {
    return readOptions(
      argv,
      figures.map(({ key }) => key),
    );
  } catch (error) {
    console.error(`scripts/bench: ${(error as Error).message}`);
    process.exit(2);
  }
}

const { keys, count } = optionsOrExit();
const machine = await describeMachine();
for (const figure of figures.filter(({ key }) => keys.includes(key))) {
  const text = section(figure, await figure.run(countRounds(figure.key, count)), count, machine);
  const document = replaceSection(readFileSync(path, "utf8"), figure.key, text);
  writeFileSync(path, await format(document, "docs/benchmarks.md"));
  console.log(`${text}\n`);
}
process.exit();
