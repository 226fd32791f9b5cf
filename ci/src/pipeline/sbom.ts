import { type Container, dag, type File } from "@dagger.io/dagger";
import { images } from "../versions.js";

/** Formats of a bill of materials, with syft's names for them. */
const formats = { spdx: "spdx-json", cyclonedx: "cyclonedx-json", syft: "syft-json" } as const;
export type Format = keyof typeof formats;

/** @throws Error for an unknown format. */
export function parseFormat(text: string): Format {
  if (text === "spdx" || text === "cyclonedx") return text;
  throw new Error(`${JSON.stringify(text)} is not a format of sbom: use spdx or cyclonedx`);
}

/** Lists every package in an image. Reads its tarball, without access to a Docker socket or a registry. */
export function listPackages(image: Container, format: Format): File {
  const archive = "/tmp/image.tar";
  const result = "/tmp/sbom.json";
  // Depending on the engine, the tarball has a Docker manifest or an OCI manifest.
  const from = ["--from", "docker-archive", "--from", "oci-archive"];
  return dag
    .container()
    .from(images.syft)
    .withEnvVariable("SYFT_CHECK_FOR_APP_UPDATE", "false")
    .withMountedFile(archive, image.asTarball())
    .withExec([
      "/syft",
      "scan",
      archive,
      ...from,
      "--source-name",
      "app",
      "--output",
      `${formats[format]}=${result}`,
    ])
    .file(result);
}
