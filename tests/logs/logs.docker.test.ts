import { afterAll, beforeAll } from "vitest";
import { arrival } from "./arrival.ts";
import { bursts } from "./bursts.ts";
import { faults } from "./faults.ts";
import { odd } from "./odd.ts";
import { Stage } from "./stage.ts";
import { storeAway } from "./store-away.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

arrival(stage);
odd(stage);
storeAway(stage);
faults(stage);
bursts(stage);
