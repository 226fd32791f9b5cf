import type { Container } from "@dagger.io/dagger";

/** Whether two images have the same files and configuration. Their digests may differ: those also cover times and compression. */
export async function haveSameContent(one: Container, other: Container): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map(configuration));
  if (first !== second) return false;
  const [files, otherFiles] = await Promise.all([one, other].map((image) => image.rootfs().digest()));
  return files === otherFiles;
}

/** All that the API tells about an image besides its files, as text. */
async function configuration(image: Container): Promise<string> {
  const values = await Promise.all([
    image.platform(),
    image.user(),
    image.workdir(),
    image.entrypoint(),
    image.defaultArgs(),
    pairs(await image.envVariables()),
    pairs(await image.labels()),
    ports(image),
  ]);
  return JSON.stringify(values);
}

async function pairs(items: { name(): Promise<string>; value(): Promise<string> }[]): Promise<string[]> {
  const lines = items.map(async (item) => `${await item.name()}=${await item.value()}`);
  return (await Promise.all(lines)).sort();
}

async function ports(image: Container): Promise<string[]> {
  const all = await image.exposedPorts();
  return (await Promise.all(all.map(async (port) => `${await port.port()}/${await port.protocol()}`))).sort();
}
