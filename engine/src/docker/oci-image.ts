import { createHash } from "node:crypto";

export interface ArchiveOptions {
  /** Whether layers are compressed: that takes longer, and is for archives that leave this machine's Docker. */
  compressed: boolean;
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

/** The manifest of an image, and the index that names it. */
export function describeImage(
  config: Blob,
  layers: readonly Blob[],
  { compressed, mediaTypes, annotations }: ArchiveOptions,
): { manifest: Blob; index: object } {
  const types = names[mediaTypes];
  const described = (mediaType: string, { digest, size }: Blob): object => ({
    mediaType,
    digest: `sha256:${digest}`,
    size,
  });
  const layerType = types.layer + (compressed ? types.gzip : "");
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
    index: { schemaVersion: 2, mediaType: types.index, manifests: [described(types.manifest, manifest)] },
  };
}
