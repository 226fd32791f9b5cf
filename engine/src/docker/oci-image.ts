import { createHash } from "node:crypto";

export interface ArchiveOptions {
  /** Level of gzip for layers, 1 to 9; without one, layers are not compressed. */
  gzip?: number;
  mediaTypes: "OCIMediaTypes" | "DockerMediaTypes";
  annotations: readonly [name: string, value: string][];
}

/** A part of an image, in memory or on disk. */
export interface Blob {
  /** SHA-256, in hexadecimal digits. */
  digest: string;
  /** Bytes. */
  size: number;
  content?: Buffer;
  path?: string;
}

const names = {
  OCIMediaTypes: {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar",
    gzip: "+gzip",
  },
  DockerMediaTypes: {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar",
    gzip: ".gzip",
  },
};

/** The manifest of an image, its media type, and the index that names it. */
export function describeImage(
  config: Pick<Blob, "digest" | "size">,
  layers: readonly Pick<Blob, "digest" | "size">[],
  { gzip, mediaTypes, annotations }: ArchiveOptions,
): { manifest: Blob & { content: Buffer }; mediaType: string; index: object } {
  const types = names[mediaTypes];
  const described = (mediaType: string, { digest, size }: Pick<Blob, "digest" | "size">): object => ({
    mediaType,
    digest: `sha256:${digest}`,
    size,
  });
  const layerType = types.layer + (gzip ? types.gzip : "");
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: described(types.config, config),
      layers: layers.map((layer) => described(layerType, layer)),
      ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
    }),
  );
  const manifest = {
    digest: createHash("sha256").update(content).digest("hex"),
    size: content.length,
    content,
  };
  return {
    manifest,
    mediaType: types.manifest,
    index: { schemaVersion: 2, mediaType: types.index, manifests: [described(types.manifest, manifest)] },
  };
}
