// Runs the tests. Called by scripts/test, which installs what they need.
import { runPlan } from "./groups.ts";
import { type Plan, parsePlans, type Tier } from "./plan.ts";
import { describeResults, type Result, sum } from "./report.ts";

let plans: Plan[];
try {
  plans = parsePlans(process.argv.slice(2));
} catch (error) {
  console.error(`scripts/test: ${(error as Error).message}`);
  process.exit(2);
}

const results: Result[] = [];
const seconds: Partial<Record<Tier, number>> = {};
for (const plan of plans) {
  const started = Date.now();
  results.push(...(await runPlan(plan)));
  seconds[plan.tier] = Math.round((Date.now() - started) / 1000);
}
console.log(`\n${describeResults(results, seconds)}`);
const { passed, failed } = sum(results);
process.exit(passed > 0 && failed === 0 ? 0 : 1);
