import { type Container, type Directory, dag } from "@dagger.io/dagger";
import { type Application, buildImage } from "../stack/image.js";
import { images } from "../versions.js";
import { type DisposableVm, loadImage, provideImage, runOnVm } from "./disposable-vm.js";

/** On the VM: the same as the upstream image, under another ID. */
export const otherNginx = "rehearsal-nginx:2";

/**
 * Publishes two releases of one application in a registry on the VM itself.
 * @returns their references by digest.
 */
export async function publishReleases(
  vm: DisposableVm,
  application: Application,
  source: Directory,
): Promise<[string, string]> {
  const upstream = [images.postgres, images.redis, images.kafka, images.nginx, images.registry];
  await Promise.all(upstream.map((name) => provideImage(vm, name, dag.container().from(name))));
  await runOnVm(vm, `docker run -d --name registry --publish 127.0.0.1:5000:5000 ${images.registry}`);
  await loadImage(vm, "rehearsal:1", await withRehearsalPages(application, source));
  await runOnVm(
    vm,
    "printf 'FROM rehearsal:1\\nENV REHEARSAL=2\\n' | docker build --quiet --tag rehearsal:2 -",
  );
  await runOnVm(
    vm,
    `printf 'FROM ${images.nginx}\\nLABEL rehearsal=2\\n' | docker build --quiet --tag ${otherNginx} -`,
  );
  return [await push(vm, "1"), await push(vm, "2")];
}

async function push(vm: DisposableVm, tag: string): Promise<string> {
  const name = `${vm.environment.repository}:${tag}`;
  const line = `docker tag rehearsal:${tag} ${name} && docker push --quiet ${name} >&2 && docker inspect --format '{{index .RepoDigests 0}}' ${name}`;
  return (await runOnVm(vm, line)).trim();
}

/** Adds the pages of scripts/rehearse/pages.py to any application. */
async function withRehearsalPages(application: Application, source: Directory): Promise<Container> {
  const image = await buildImage(application, "runtime");
  const path = `${await image.workdir()}/devops_001/wsgi.py`;
  const [wsgi, pages] = await Promise.all([
    image.file(path).contents(),
    source.file("scripts/rehearse/pages.py").contents(),
  ]);
  return image.withNewFile(path, wsgi + pages, { permissions: 0o644 });
}
