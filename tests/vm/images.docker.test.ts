/** @module-tag slow */

import { describe, expect, inject, test } from "vitest";
import { images } from "../../ci/src/versions.ts";
import { Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const { good = "", better = "" } = vm.shared.releases;
const tag = "localhost:5000/nginx:1";
const serving = (): Promise<string> =>
  vm.must(
    "docker inspect --format '{{.Config.Image}} {{.Image}}' $(docker ps -q --filter label=com.docker.compose.service=nginx)",
  );

/** Pushes nginx with a label under `tag`, as upstream does with a patch release, and keeps no local copy. */
async function release(label: string): Promise<string> {
  await vm.must(
    `printf 'FROM ${images.nginx}\nLABEL patch=${label}\n' | docker build --quiet --tag ${tag} - && docker push --quiet ${tag}`,
  );
  const reference = (await vm.must(`docker inspect --format '{{index .RepoDigests 0}}' ${tag}`)).trim();
  await vm.must(`docker image rm ${tag}; ! docker image inspect ${reference} 2>/dev/null`);
  return reference.split("@")[1] ?? "";
}

const short = (digest: string): string => digest.slice(0, 19);
const deploy = (image: string, nginx: string) => vm.deploy({ image, settings: { NGINX_IMAGE: nginx } });

describe("an upstream image", () => {
  let first: string;
  let second: string;

  test("is pulled by digest, whatever its tag names by then", async () => {
    [first, second] = [await release("1"), await release("2")];
    const run = await deploy(good, `${tag}@${first}`);
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toContain(`pulling ${tag}@${first}`);
    expect(run.stdout).toContain(
      `image        nginx: ${images.nginx} -> ${tag}@${first}; its container is replaced`,
    );
    expect(run.stdout).toContain(`${images.postgres} is not named by digest`);
    expect(await serving()).toContain(`${tag}@${first} `);
  });

  test("with a new digest is announced in the plan and by the deploy", async () => {
    const change = `image        nginx: ${tag}, ${short(first)} -> ${short(second)}; its container is replaced`;
    const place = await vm.deliver({ image: better, settings: { NGINX_IMAGE: `${tag}@${second}` } });
    const before = await serving();
    expect(await vm.must(`bash ${place}/host/stackline plan 2>&1`)).toContain(change);
    expect(await serving()).toBe(before);
    const run = await deploy(better, `${tag}@${second}`);
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toContain(change);
    expect(await serving()).toContain(`${tag}@${second} `);
  });

  test("stays at the digest that serves while its registry gives none", async () => {
    const before = await serving();
    const run = await deploy(good, tag);
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toContain(
      `${tag} stays at ${short(second)}: the pipeline got no digest from its registry`,
    );
    expect(run.stdout).not.toContain("image        nginx");
    expect(await serving()).toBe(before);
  });

  test("returns to the release's own digest with a rollback", async () => {
    const before = (await vm.must("ls -r /srv/stackline/releases | sed -n 3p")).trim();
    const run = await vm.stackline(`rollback ${before}`);
    expect(run.exitCode, run.stdout).toBe(0);
    expect(await serving()).toContain(`${tag}@${first} `);
  });

  test("is removed with the last release that names it", async () => {
    const run = await vm.deploy({ image: better, keepReleases: 2 });
    expect(run.exitCode, run.stdout).toBe(0);
    expect(await vm.must("docker images --digests --format '{{.Digest}}'")).not.toContain(second);
    expect((await vm.deploy({ image: good, keepReleases: 2 })).exitCode).toBe(0);
  });
});
