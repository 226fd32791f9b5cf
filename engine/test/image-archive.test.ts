import { createHash } from "node:crypto";
import { PassThrough, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import tarStream from "tar-stream";
import { describe, expect, it } from "vitest";
import { withImageArchive } from "../src/docker/image-archive.ts";
import type { ArchiveOptions } from "../src/docker/oci-image.ts";

const layers = { first: Buffer.alloc(100_000, "a"), second: Buffer.alloc(50_000, "b") };
const config = Buffer.from('{"rootfs":{}}');

const options: ArchiveOptions = { gzip: 1, mediaTypes: "OCIMediaTypes", annotations: [["a", "b"]] };

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
    const files = await read(await withImageArchive(save(style), options, buffer));
    const [manifest] = JSON.parse(String(files.get("manifest.json")));
    expect(manifest.RepoTags).toEqual(["a:b"]);
    expect(files.get(manifest.Config)).toEqual(config);
    const unpacked = manifest.Layers.map((name: string) => gunzipSync(files.get(name) as Buffer));
    expect(unpacked.map(String)).toEqual([layers.first, layers.second, layers.first].map(String));
    const sizes = manifest.Layers.map((name: string) => files.get(name)?.length);
    expect(Math.max(...sizes)).toBeLessThan(1000);
  });

  it("gives the same bytes again", async () => {
    const once = await withImageArchive(save(style), options, buffer);
    expect(once.equals(await withImageArchive(save(style), options, buffer))).toBe(true);
  });

  it.each(["OCIMediaTypes", "DockerMediaTypes"] as const)(
    "becomes an OCI layout with %s",
    async (mediaTypes) => {
      const archive = await withImageArchive(
        save(style),
        { annotations: options.annotations, mediaTypes },
        buffer,
      );
      const files = await read(archive);
      const json = (name: string) => JSON.parse(String(files.get(name)));
      const blob = ({ digest, size }: { digest: string; size: number }): Buffer => {
        const content = files.get(digest.replace("sha256:", "blobs/sha256/")) as Buffer;
        expect(content.length).toBe(size);
        expect(`sha256:${createHash("sha256").update(content).digest("hex")}`).toBe(digest);
        return content;
      };
      expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
      const [described] = json("index.json").manifests;
      const manifest = JSON.parse(String(blob(described)));
      expect(manifest.annotations).toEqual({ a: "b" });
      expect(blob(manifest.config)).toEqual(config);
      expect(manifest.layers.map(blob)).toEqual([layers.first, layers.second, layers.first]);
      const kind = mediaTypes === "OCIMediaTypes" ? "vnd.oci.image" : "vnd.docker";
      const types = [described, manifest, manifest.config, ...manifest.layers].map(
        ({ mediaType }) => mediaType,
      );
      expect(types.every((type) => type.startsWith(`application/${kind}`))).toBe(true);
      expect(json("manifest.json")[0].Layers).toHaveLength(3);
    },
  );
});

it("an archive without a layer that its manifest names is refused", async () => {
  const pack = tarStream.pack();
  pack.entry({ name: "c" }, config);
  pack.entry({ name: "manifest.json" }, '[{"Config":"c","Layers":["x"]}]');
  pack.finalize();
  await expect(withImageArchive(pack.pipe(new PassThrough()), options, buffer)).rejects.toThrow("has no x");
});
