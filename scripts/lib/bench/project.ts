import { randomBytes } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx";
import { root } from "../module.ts";

/** A small package without dependencies that the application does not use. */
const requirement =
  "idna==3.10 --hash=sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3";

/** A copy of the project to edit. */
export class ProjectCopy {
  readonly folder = mkdtempSync(join(tmpdir(), "stackline-bench-"));
  readonly app = join(this.folder, "app");

  static async make(): Promise<ProjectCopy> {
    const copy = new ProjectCopy();
    await $({ quiet: true, cwd: root })`git ls-files -z | xargs -0 cp --parents -t ${copy.folder}`;
    return copy;
  }

  /** Changes every step of the Dockerfile, so that no build cache applies. Base images stay. */
  forgetBuilds(): void {
    const path = join(this.folder, "ci/image/Dockerfile");
    const mark = randomBytes(6).toString("hex");
    const text = readFileSync(path, "utf8").replace(/^RUN (: \w+ && )?/gm, `RUN : ${mark} && `);
    writeFileSync(path, text);
  }

  editLine(): void {
    appendFileSync(join(this.app, "checks", "views.py"), `# ${randomBytes(6).toString("hex")}\n`);
  }

  addRequirement(): void {
    appendFileSync(join(this.app, "requirements.txt"), `${requirement}\n`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
