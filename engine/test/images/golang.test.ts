import { expect, test } from "vitest";
import { isNewEnough } from "../../src/images/golang.ts";

test.each([
  ["go version go1.26.8 linux/amd64", true],
  ["go version go1.27 linux/arm64", true],
  ["go version go1.26.7 linux/amd64", false],
  ["go version go1.26 linux/amd64", false],
  ["go version go1.19.8 linux/amd64", false], // Debian 12
  ["", false],
])("%j is a new enough Go: %s", (printed, expected) => expect(isNewEnough(printed)).toBe(expected));
