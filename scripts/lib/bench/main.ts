// Measures figures and writes their sections of docs/benchmarks.md. Called by scripts/bench.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "zx";
import { format } from "../format.ts";
import { root } from "../module.ts";
import { countRounds, type Figure } from "./figures.ts";
import { image } from "./image.ts";
import { describeMachine } from "./machine.ts";
import { replaceSection, section } from "./report.ts";
import { rollout } from "./rollout.ts";
import { serving } from "./serving.ts";
import { steps } from "./steps.ts";
import { tests } from "./tests.ts";

const figures: Figure[] = [tests, image, steps, rollout, serving];
const path = join(root, "docs", "benchmarks.md");

const asked = argv._.length > 0 ? argv._ : figures.map(({ key }) => key);
const unknown =
  asked.find((key) => !figures.some((figure) => figure.key === key)) ??
  Object.keys(argv)
    .filter((name) => !["_", "count"].includes(name))
    .map((name) => `--${name}`)[0];
const count = Number(argv.count ?? 5);
if (unknown !== undefined || !Number.isInteger(count) || count < 1) {
  console.error(
    `scripts/bench: ${unknown === undefined ? "--count has to be a whole number from 1" : `there is no figure ${unknown}`}; use ${figures.map(({ key }) => key).join(", ")} and --count=5`,
  );
  process.exit(2);
}

const machine = await describeMachine();
for (const figure of figures.filter(({ key }) => asked.includes(key))) {
  const text = section(figure, await figure.run(countRounds(figure.key, count)), count, machine);
  const document = replaceSection(readFileSync(path, "utf8"), figure.key, text);
  writeFileSync(path, await format(document, "docs/benchmarks.md"));
  console.log(`${text}\n`);
}
process.exit();
