/** @module-tag slow */

import type { Client, Service } from "@dagger.io/dagger";
import { afterAll, describe, expect, it } from "vitest";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const KEY = `privileged-${process.pid}`;

afterAll(async () => {
  const { Volumes } = await docker.listVolumes({ filters: { label: [`dev.stackline.cache=${KEY}`] } });
  for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove();
});

const dockerfile = `FROM ${IMAGE}
RUN apt-get update -q && apt-get install -qy --no-install-recommends docker.io iptables \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
`;

/** Builds an image from the container's own shell: this Docker daemon has no registry. */
const inner = `set -eu
until docker info >/dev/null 2>&1; do sleep 0.2; done
docker info --format 'driver={{.Driver}}'
mkdir -p /tmp/rootfs/bin /tmp/rootfs/lib64
cp /bin/dash /tmp/rootfs/bin/sh
cp -L --parents $(ldd /bin/dash | grep -o '/[^ ]*') /tmp/rootfs
tar -C /tmp/rootfs -c . | docker import - shell >/dev/null
docker run --rm --memory 64m shell sh -c 'echo from the inner container'
docker run --rm -p 8080:80 shell sh -c 'echo with a port'
`;

function daemon(client: Client, key: string): Service {
  return client
    .directory()
    .withNewFile("Dockerfile", dockerfile)
    .dockerBuild()
    .withMountedTemp("/run")
    .withMountedTemp("/tmp")
    .withMountedCache("/var/lib/docker", client.cacheVolume(key))
    .withExposedPort(2375)
    .asService({
      args: ["dockerd", "--host=unix:///var/run/docker.sock", "--host=tcp://0.0.0.0:2375", "--tls=false"],
      insecureRootCapabilities: true,
    });
}

describe("insecureRootCapabilities", () => {
  it("lets a service run a Docker daemon with overlay2 that starts containers", () =>
    withSession({ storePath }, async ({ client }) => {
      const user = client
        .directory()
        .withNewFile("Dockerfile", dockerfile)
        .dockerBuild()
        .withServiceBinding("vm", daemon(client, KEY))
        .withEnvVariable("DOCKER_HOST", "tcp://vm:2375");
      const said = await user.withExec(["sh", "-c", inner]).stdout();
      expect(said).toBe("driver=overlay2\nfrom the inner container\nwith a port\n");
    }));

  it("lets a step run such a Docker daemon, too", () =>
    withSession({ storePath }, async ({ client }) => {
      const said = await client
        .directory()
        .withNewFile("Dockerfile", dockerfile)
        .dockerBuild()
        .withMountedTemp("/run")
        .withMountedTemp("/tmp")
        .withMountedCache("/var/lib/docker", client.cacheVolume(KEY))
        .withExec(["sh", "-c", `dockerd >/tmp/log 2>&1 & trap 'cat /tmp/log >&2; kill $!' EXIT\n${inner}`], {
          insecureRootCapabilities: true,
        })
        .stdout();
      expect(said).toBe("driver=overlay2\nfrom the inner container\nwith a port\n");
    }));
});
