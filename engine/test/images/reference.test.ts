import { expect, test } from "vitest";
import { fullName, parseReference } from "../../src/images/reference.ts";

const names = [
  ["python", "docker.io", "python", "latest"],
  ["python:3.8.5-buster", "docker.io", "python", "3.8.5-buster"],
  ["docker.io/library/python:3.8", "docker.io", "python", "3.8"],
  ["index.docker.io/apache/kafka:4.1.1", "docker.io", "apache/kafka", "4.1.1"],
  ["localhost:5000/team/app", "localhost:5000", "team/app", "latest"],
  ["quay.io/some/thing:v1", "quay.io", "some/thing", "v1"],
] as const;

test.each(names)("%s is parsed as registry %s, repository %s, tag %s", (ref, registry, repository, tag) => {
  expect(parseReference(ref)).toEqual({ registry, repository, tag });
});

test.each([
  ["python", "docker.io/library/python:latest"],
  ["apache/kafka:4.1.1", "docker.io/apache/kafka:4.1.1"],
  ["localhost:5000/app@DIGEST", "localhost:5000/app@DIGEST"],
  ["redis:7@DIGEST", "docker.io/library/redis:7@DIGEST"],
])("the full name of %s is %s", (ref, name) => {
  const digest = `sha256:${"b".repeat(64)}`;
  expect(fullName(ref.replace("DIGEST", digest))).toBe(name.replace("DIGEST", digest));
});

test("a digest is parsed in addition to the tag", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(parseReference(`redis:7@${digest}`)).toMatchObject({ repository: "redis", tag: "7", digest });
});

test("an invalid image name is rejected with the expected form", () => {
  expect(() => parseReference("two words")).toThrow(/"two words" is not an image name: expected/);
});
