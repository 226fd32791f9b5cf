import { PassThrough, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import tarStream from "tar-stream";
import { describe, expect, it } from "vitest";
import { withCompressedLayers } from "../src/docker/compress.ts";

const layers = { first: Buffer.alloc(100_000, "a"), second: Buffer.alloc(50_000, "b") };
const config = Buffer.from('{"rootfs":{}}');

/** What `docker save` writes: a folder for each layer up to Docker 24, with links for equal ones, or blobs by digest since. */
function save(style: "folders" | "blobs"): Readable {
  const pack = tarStream.pack();
  const [one, two] =
    style === "folders" ? ["1/layer.tar", "2/layer.tar"] : ["blobs/sha256/1", "blobs/sha256/2"];
  const named = style === "folders" ? "c.json" : "blobs/sha256/c";
  pack.entry({ name: one }, layers.first);
  pack.entry({ name: two }, layers.second);
  if (style === "folders") pack.entry({ name: "3/layer.tar", type: "symlink", linkname: "../1/layer.tar" });
  pack.entry({ name: named }, config);
  const third = style === "folders" ? "3/layer.tar" : one;
  pack.entry(
    { name: "manifest.json" },
    JSON.stringify([{ Config: named, RepoTags: ["a:b"], Layers: [one, two, third] }]),
  );
  pack.finalize();
  return pack.pipe(new PassThrough());
}

async function read(archive: Buffer): Promise<Map<string, Buffer>> {
  const extract = tarStream.extract();
  extract.end(archive);
  const files = new Map<string, Buffer>();
  for await (const item of extract) files.set(item.header.name, await buffer(item));
  return files;
}

describe.each(["folders", "blobs"] as const)("an archive of docker save in %s", (style) => {
  it("gets compressed layers in their order, and keeps its configuration", async () => {
    const files = await read(await withCompressedLayers(save(style), buffer));
    const [manifest] = JSON.parse(String(files.get("manifest.json")));
    expect(manifest.RepoTags).toEqual(["a:b"]);
    expect(files.get(manifest.Config)).toEqual(config);
    const unpacked = manifest.Layers.map((name: string) => gunzipSync(files.get(name) as Buffer));
    expect(unpacked.map(String)).toEqual([layers.first, layers.second, layers.first].map(String));
    const sizes = manifest.Layers.map((name: string) => files.get(name)?.length);
    expect(Math.max(...sizes)).toBeLessThan(1000);
  });

  it("gives the same bytes again", async () => {
    const once = await withCompressedLayers(save(style), buffer);
    expect(once.equals(await withCompressedLayers(save(style), buffer))).toBe(true);
  });
});

it("an archive without a layer that its manifest names is refused", async () => {
  const pack = tarStream.pack();
  pack.entry({ name: "c" }, config);
  pack.entry({ name: "manifest.json" }, '[{"Config":"c","Layers":["x"]}]');
  pack.finalize();
  await expect(withCompressedLayers(pack.pipe(new PassThrough()), buffer)).rejects.toThrow("has no x");
});
