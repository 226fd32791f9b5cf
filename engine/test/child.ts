// A session in a separate process, to run in parallel with others or to be killed: a step that uses a service, a volume,
// a secret and a mounted file, sleeps for a while and ends with `echo WORD`.
import { IMAGE, withSession } from "./support.ts";

const [storePath = "", word = "", seconds = "1"] = process.argv.slice(2);

await withSession({ storePath }, async ({ client }) => {
  const base = client.container().from(IMAGE);
  const service = base.withDefaultArgs(["sleep", "600"]).asService();
  const ran = base
    .withServiceBinding("idle", service)
    .withMountedDirectory("/m", client.directory().withNewFile("f", ""))
    .withMountedFile("/file", client.file("file", "file"))
    .withSecretVariable("S", client.setSecret("s", "child-secret-value"))
    .withExec(["sh", "-c", `sleep ${seconds}; echo ${word}`]);
  process.stdout.write(await ran.stdout());
});
