/** @module-tag slow */

import { afterAll, beforeAll } from "vitest";
import { $ } from "zx";
import { PrivateDaemon } from "../../engine/test/daemon.ts";
import { attacks } from "./production/attacks.ts";
import { confidential } from "./production/confidential.ts";
import { edge } from "./production/edge.ts";
import { faults } from "./production/faults.ts";
import { memory } from "./production/memory.ts";
import { reach } from "./production/reach.ts";
import { starting } from "./production/starting.ts";
import { APP_IMAGE, Production } from "./production.ts";
import { buildOptions, compose1, provideImages, root } from "./tools.ts";

const daemon = new PrivateDaemon();
let stack: Production;

beforeAll(async () => {
  await provideImages();
  await $({ quiet: true })`docker build -q -t ${APP_IMAGE} ${buildOptions(root)}`;
  await daemon.start();
  await daemon.load(Production.images);
  stack = new Production(daemon, await compose1());
});

afterAll(async () => {
  await daemon.stop();
  await $({ quiet: true, nothrow: true })`docker rmi ${APP_IMAGE}`;
});

const running = (): Production => stack;
starting(running);
memory(running);
reach(running);
edge(running);
attacks(running);
faults(running);
confidential(running);
