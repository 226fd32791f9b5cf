import type { TestProject } from "vitest/node";
import { type Shared, Vm } from "./machine.ts";

declare module "vitest" {
  interface ProvidedContext {
    vm: Shared;
  }
}

/** One machine for the whole group, with the good release on it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const vm = await Vm.start();
  try {
    const first = await vm.deploy({ image: vm.shared.releases.good ?? "" });
    if (first.exitCode !== 0) throw new Error(`the first deploy failed:\n${first.stdall}`);
  } catch (problem) {
    await vm.stop();
    throw problem;
  }
  project.provide("vm", vm.shared);
  return () => vm.stop();
}
