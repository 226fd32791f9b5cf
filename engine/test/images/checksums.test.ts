import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { verifyDownloads } from "../../src/images/checksums.ts";
import { checksumsOf, prepareKafka } from "../../src/images/recipes/kafka/prepare.ts";
import { usedImages } from "../../src/images/recipes.ts";
import { temporaryFolder } from "../folder.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A folder with two downloads, and their list. */
function downloads(): { folder: string; list: string } {
  const folder = temporaryFolder();
  const list = join(temporaryFolder(), "checksums");
  for (const name of ["a.jar", "b.jar"]) writeFileSync(join(folder, name), name);
  writeFileSync(list, ["a.jar", "b.jar"].map((name) => `${sha256(name)}  ${name}\n`).join(""));
  return { folder, list };
}

test("files with the checksums of the list are accepted", async () => {
  const { folder, list } = downloads();
  await verifyDownloads(folder, list);
  writeFileSync(join(folder, "pom.xml"), "no download");
  await verifyDownloads(folder, list, (name) => name.endsWith(".jar"));
});

test.each([
  ["differs", (folder: string) => writeFileSync(join(folder, "a.jar"), "other"), /\| a\.jar differs$/],
  ["is missing", (folder: string) => rmSync(join(folder, "b.jar")), /\| b\.jar is missing$/],
  [
    "is in no list",
    (folder: string) => writeFileSync(join(folder, "c.jar"), ""),
    /\| c\.jar is not in the list$/,
  ],
])("a file that %s is refused by name", async (_, change, message) => {
  const { folder, list } = downloads();
  change(folder);
  await expect(verifyDownloads(folder, list)).rejects.toThrow(message);
});

test("Kafka's jars are refused if the registry delivers others", async () => {
  const bin = temporaryFolder();
  // Stands for a Maven whose registry is in wrong hands: file and checksum come from there.
  writeFileSync(
    join(bin, "mvn"),
    "#!/bin/sh\nlibs=$(printf '%s\\n' \"$@\" | sed -n s/^-DoutputDirectory=//p)\nmkdir -p $libs && echo x >$libs/kafka_2.13-4.1.1.jar\n",
  );
  chmodSync(join(bin, "mvn"), 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  try {
    const context = join(temporaryFolder(), "context");
    mkdirSync(context);
    await expect(prepareKafka("4.1.1")(context, () => {})).rejects.toThrow(/do not have the checksums in/);
  } finally {
    process.env.PATH = path;
  }
});

test("the Kafka that this project uses has a list of all its jars", () => {
  const [used = ""] = usedImages.filter((name) => name.startsWith("apache/kafka:"));
  const list = readFileSync(checksumsOf(used.split(":")[1] ?? ""), "utf8")
    .trim()
    .split("\n");
  expect(list.length).toBeGreaterThan(50);
  expect(list.filter((line) => !/^[0-9a-f]{64} {2}[\w.+-]+\.jar$/.test(line))).toEqual([]);
});
