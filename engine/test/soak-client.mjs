// The soak test's pipeline: a chain with a service, a cache volume, a secret and files, and a Dockerfile build. It prints
// the text that `expected` in soak.ts computes.
import { createHash } from "node:crypto";
import { connect } from "@dagger.io/dagger";

const IMAGE = "debian:bookworm-slim";
const [word] = process.argv.slice(2);
const sh = (script) => ["sh", "-c", script];

async function pipeline(client) {
  const base = client.container().from(IMAGE);
  const service = base.withDefaultArgs(["sleep", "600"]).withDockerHealthcheck(["true"]).asService();
  const made = base
    .withServiceBinding("idle", service)
    .withMountedCache("/cache", client.cacheVolume("soak"))
    .withMountedDirectory("/m", client.directory().withNewFile("f", word))
    .withMountedFile("/file", client.file("file", word))
    .withSecretVariable("S", client.setSecret("s", "soak-secret-value"))
    .withExec(sh("seq 1 20000 >/m/numbers; cp /m/numbers /image; test -n $S"))
    .withExec(sh("cat /m/f /file >>/image"))
    .withExec(sh("cat /m/numbers /image | sha256sum | cut -c -64"));
  const built = client.directory().withNewFile("Dockerfile", `FROM ${IMAGE}\nRUN echo ${word} >/built\n`);
  const [sum, image, text] = await Promise.all([
    made.stdout(),
    made.file("/image").contents(),
    built.dockerBuild().file("/built").contents(),
  ]);
  const read = createHash("sha256").update(image).digest("hex");
  process.stdout.write(`${sum.trim()} ${read} ${text}`);
}

try {
  await connect(pipeline);
} catch (error) {
  process.stderr.write(`client: ${error.message}\n`);
  process.exit(1);
}
