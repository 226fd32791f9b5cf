import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { normaliseHere } from "../src/site/checkout.ts";
import { root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const script = "#!/bin/sh\r\necho ä\r\n";

/** A checkout by a user with umask 077, with Windows line endings and without executable files. */
function strictCheckout(): string {
  const place = mkdtempSync(join(folder, "checkout-"));
  mkdirSync(join(place, "bin"));
  writeFileSync(join(place, "bin/run"), script);
  writeFileSync(join(place, "settings.conf"), "a = 1\r\nb = 2\r\n");
  writeFileSync(join(place, "image.png"), Buffer.from("PNG\r\n\0\r\n"));
  symlinkSync("/no/such", join(place, "link"));
  for (const name of ["bin/run", "settings.conf", "image.png"]) chmodSync(join(place, name), 0o600);
  for (const name of ["bin", "."]) chmodSync(join(place, name), 0o700);
  return place;
}

const modesIn = (place: string): number[] =>
  ["", "bin", "bin/run", "settings.conf", "image.png"].map(
    (name) => statSync(join(place, name)).mode & 0o777,
  );
const textsIn = (place: string): string[] =>
  ["bin/run", "settings.conf", "image.png"].map((name) => readFileSync(join(place, name), "utf8"));

describe("a checkout with umask 077 and Windows line endings", () => {
  test("is sent to machines with Unix line endings, readable by all, and with executable scripts", () => {
    const place = strictCheckout();
    execFileSync("sh", ["-euc", normaliseHere], { cwd: place });
    expect(textsIn(place)).toEqual(["#!/bin/sh\necho ä\n", "a = 1\nb = 2\n", "PNG\r\n\0\r\n"]);
    expect(modesIn(place)).toEqual([0o755, 0o755, 0o755, 0o644, 0o644]);
  });

  test("has configuration that production's containers can read once its secrets are created", () => {
    const place = mkdtempSync(join(folder, "production-"));
    for (const name of ["scripts", "nginx"]) cpSync(join(root, name), join(place, name), { recursive: true });
    execFileSync("chmod", ["-R", "go-rwx", place]);
    execFileSync(join(place, "scripts", "secrets"), { cwd: place, stdio: "pipe" });
    const modes = ["nginx/nginx.conf", "nginx/entrypoint/15-site.envsh", "scripts/postgres/postgres"].map(
      (name) => statSync(join(place, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o644, 0o755, 0o755]);
    expect(statSync(join(place, "secrets")).mode & 0o777).toBe(0o700);
  });

  test.skipIf(!hasPython)("gives an image files that all can read, and scripts that start", () => {
    const place = strictCheckout();
    execFileSync("python3", [join(root, "ci/image/normalise.py"), place]);
    expect(textsIn(place)).toEqual(["#!/bin/sh\necho ä\n", "a = 1\r\nb = 2\r\n", "PNG\r\n\0\r\n"]);
    expect(modesIn(place)).toEqual([0o755, 0o755, 0o755, 0o644, 0o644]);
  });
});

test("Git checks all text out with Unix line endings, with core.autocrlf as well", () => {
  const place = mkdtempSync(join(folder, "git-"));
  const git = (...args: string[]): Buffer =>
    execFileSync("git", ["-c", "core.autocrlf=true", "-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: place,
      stdio: "pipe",
    });
  git("init", "--quiet");
  copyFileSync(join(root, ".gitattributes"), join(place, ".gitattributes"));
  writeFileSync(join(place, "run"), script);
  git("add", ".");
  git("commit", "--quiet", "-m", "test");
  rmSync(join(place, "run"));
  git("checkout", "--quiet", ".");
  expect(readFileSync(join(place, "run"), "utf8")).toBe("#!/bin/sh\necho ä\n");
});
