import { randomBytes } from "node:crypto";
import { type Directory, ReturnType } from "@dagger.io/dagger";
import { parseSecrets, type StackSecrets, stackSecrets } from "../site/secrets.js";
import { type Application, buildImage } from "../stack/image.js";

/** Secrets for one rehearsal. Redis has a password if the application can use one. */
export async function rehearsalSecrets(application: Application, source: Directory): Promise<StackSecrets> {
  const random = (): string => randomBytes(24).toString("hex");
  const lines = [
    "POSTGRES_DB=drill",
    "POSTGRES_USER=drill",
    ...["POSTGRES_PASSWORD", "SECRET_KEY", "API_TOKEN"].map((name) => `${name}=${random()}`),
  ];
  if (await readsVariable(application, source, "REDIS_PASSWORD")) lines.push(`REDIS_PASSWORD=${random()}`);
  return stackSecrets(parseSecrets(lines.join("\n")));
}

async function readsVariable(application: Application, source: Directory, name: string): Promise<boolean> {
  const image = await buildImage(application, "runtime");
  const code = await image
    .withMountedFile("/reads-variable", source.file("scripts/lib/reads-variable"))
    .withExec(["sh", "/reads-variable", name, await image.workdir()], { expect: ReturnType.Any })
    .exitCode();
  return code === 0;
}
