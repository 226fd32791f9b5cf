import { type Container, dag, type File } from "@dagger.io/dagger";
import { images } from "../versions.js";

/** How a bill of materials is written, by the name that syft has for it. */
const formats = { spdx: "spdx-json", cyclonedx: "cyclonedx-json", syft: "syft-json" } as const;
export type Format = keyof typeof formats;

/** @throws Error for a format that nobody here writes. */
export function parseFormat(text: string): Format {
  if (text === "spdx" || text === "cyclonedx") return text;
  throw new Error(`${JSON.stringify(text)} is not a format of sbom: use spdx or cyclonedx`);
}

/** Lists every package in an image, from its tarball alone: no Docker socket, no registry. */
export function listPackages(image: Container, format: Format): File {
  const archive = "/tmp/image.tar";
  const result = "/tmp/sbom.json";
  // The tarball carries Docker's manifest or OCI's, as the engine pleases.
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
