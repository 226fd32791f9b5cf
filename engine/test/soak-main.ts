// Kills the engine or its dockerd COUNT times and prints the results: npx tsx engine/test/soak-main.ts [COUNT]
import { soak } from "./soak.ts";

const count = Number(process.argv[2] ?? 200);
const started = Date.now();
const { killed, lostNetworks, problems } = await soak(count, (line) => console.log(line));
console.log(
  `${count} runs in ${Math.round((Date.now() - started) / 1000)} s: engine killed ${killed.engine} times, ` +
    `dockerd ${killed.dockerd} times (${lostNetworks} times with its network database lost), ${problems.length} problems`,
);
process.exit(problems.length > 0 ? 1 : 0);
