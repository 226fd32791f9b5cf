import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePublic } from "../../src/images/public.ts";
import { temporaryFolder } from "../folder.ts";

test("a build context from a checkout with umask 077 and Windows line endings is usable by every user", () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  mkdirSync(at("bin"), { mode: 0o700 });
  writeFileSync(at("bin/run"), "#!/bin/sh\r\necho ä\r\n", { mode: 0o700 });
  writeFileSync(at("data"), "PNG\r\n\0", { mode: 0o600 });
  symlinkSync("/no/such", at("link"));
  chmodSync(at("bin"), 0o700);
  makePublic(folder);
  expect(["bin", "bin/run", "data"].map((name) => statSync(at(name)).mode & 0o777)).toEqual([
    0o755, 0o755, 0o644,
  ]);
  expect(readFileSync(at("bin/run"), "utf8")).toBe("#!/bin/sh\necho ä\n");
  expect(readFileSync(at("data"), "utf8")).toBe("PNG\r\n\0");
});
