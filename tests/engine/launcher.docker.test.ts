import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@dagger.io/dagger";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../engine/test/support.ts";

const launcher = fileURLToPath(new URL("../../scripts/dagger", import.meta.url));

it("an SDK outside a session starts the launcher as its CLI, in the given working directory", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "here"), "");
  for (const name of ["DAGGER_SESSION_PORT", "DAGGER_SESSION_TOKEN"]) delete process.env[name];
  process.env._EXPERIMENTAL_DAGGER_CLI_BIN = launcher;
  process.env.STACKLINE_ENGINE = "embedded";
  process.env.STACKLINE_CACHE = temporaryFolder();
  let entries: string[] = [];
  await connect(
    async (client) => {
      entries = await client.host().directory(".").entries();
    },
    { Workdir: folder, LoadWorkspaceModules: true },
  );
  expect(entries).toEqual(["here"]);
});
