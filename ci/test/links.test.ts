import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { glob } from "zx";
import { root } from "../../scripts/lib/module.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = await glob(["*.md", "{app,docs,engine}/*.md"], { cwd: root });

test.each(documents)("%s: links only to existing headings", (path) => {
  const links = [...read(path).matchAll(/\]\(([^)\s]*#[^)\s]+)\)/g)].map(([, to]) => to as string);
  const local = links.filter((to) => !/^[a-z]+:/.test(to));
  expect(local.filter((to) => !leadsToHeading(path, to))).toEqual([]);
});

test.each([
  ["docs/deploy.md", "operations.md#provision-a-vm", true],
  ["docs/deploy.md", "#steps", true],
  ["docs/deploy.md", "operations.md#provision", false],
  ["docs/deploy.md", "missing.md#steps", false],
])("in %s, %s leads to a heading: %s", (from, link, expected) => {
  expect(leadsToHeading(from, link)).toBe(expected);
});

test("SECURITY.md says how to report a weakness in private, and leads to docs/security.md, as the README does", () => {
  expect(read("SECURITY.md")).toMatch(/private vulnerability reporting/i);
  for (const page of ["SECURITY.md", "README.md"]) expect(read(page)).toContain("](docs/security.md)");
  expect(read("docs/security.md")).toContain("](../SECURITY.md)");
});

function leadsToHeading(from: string, link: string): boolean {
  const [file = "", heading = ""] = link.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  return existsSync(join(root, path)) && headingsOf(read(path)).includes(heading);
}

/** Fragments by which Git hosts link to a page's headings. */
function headingsOf(page: string): string[] {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text]) => (text as string).toLowerCase());
  return headings.map((text) => text.replace(/[^\w -]/g, "").replaceAll(" ", "-"));
}
