import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import { images, logStore } from "../../ci/src/versions.ts";
import { root, type Vm } from "./machine.ts";

const VICTORIA = "victoriametrics/victoria-logs:v1.52.1";
const NETWORK = "stackline_logs";

/** A log store on the machine: store.mjs, which minds the Authorization, before Loki or, where that cannot be had, VictoriaLogs. */
export class LogStore {
  readonly endpoint = "http://store:3100/otlp";

  private variables = "";

  constructor(private readonly vm: Vm) {}

  /** Brings the images, starts what stands behind, and copies the rest. */
  async start(): Promise<void> {
    const { image, kind, port, args } = await choose();
    await $({ quiet: true, cwd: root })`scripts/images ${images.node} ${images.collector}`;
    await this.vm.load([images.node, images.collector, image]);
    for (const name of ["store.mjs", "logsql.mjs"])
      await this.write(`/srv/store/${name}`, readFileSync(join(root, "tests/vm", name), "utf8"));
    await this.write("/srv/store/loki.yaml", readFileSync(join(root, "logs/loki.yaml"), "utf8"));
    await this.vm.must(`docker network create store
      docker run -d --name behind-store --network store --log-driver none --env LOKI_RETENTION=744h --volume /srv/store:/srv/store:ro ${image} ${args}`);
    this.variables = `--env STORE=http://behind-store:${port} --env KIND=${kind}`;
  }

  /** Serves who has this Authorization, on the collector's network, which the first deploy with a collector makes. */
  async serve(authorization: string): Promise<void> {
    const allowed = createHash("sha256").update(authorization).digest("hex");
    await this.vm.must(`docker rm --force store 2>/dev/null
      docker run -d --name store --network store --log-driver none ${this.variables} --env AUTHORIZATION=${allowed} \
        --volume /srv/store:/srv/store:ro ${images.node} node /srv/store/store.mjs`);
    const join = async () => this.vm.sh(`docker network connect --alias store ${NETWORK} store`);
    await this.vm.until(async () => (await join()).exitCode === 0, "the collector's network", 200);
  }

  async stop(): Promise<void> {
    await this.vm.sh("docker rm --force --volumes store behind-store; docker network rm store");
    await this.vm.sh("docker volume rm stackline_collector");
    await this.vm.sh("rm -rf /srv/store", "root");
  }

  private async write(path: string, text: string): Promise<void> {
    const line = `mkdir -p /srv/store; cat >${path}; chmod -R a+rX /srv/store`;
    await $({ quiet: true, input: text })`docker exec --interactive ${this.vm.shared.id} sh -c ${line}`;
  }
}

/** Loki as it is configured for production, where its image can be had. */
async function choose() {
  const { loki } = logStore;
  const pulled = await $({
    nothrow: true,
    quiet: true,
  })`docker image inspect ${loki} || docker pull -q ${loki}`;
  const config = "-config.file=/srv/store/loki.yaml -config.expand-env=true";
  if (pulled.exitCode === 0) return { image: loki, kind: "loki", port: 3100, args: config };
  await $({ quiet: true, cwd: root })`scripts/images ${VICTORIA}`;
  return { image: VICTORIA, kind: "victoria", port: 9428, args: "-storageDataPath=/data" };
}
