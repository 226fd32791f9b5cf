import { expect, test } from "vitest";
import { sourcesOf } from "../../src/images/recipes/base/prepare.ts";
import { belongs, installedPython } from "../../src/images/recipes/python-slim/prepare.ts";

test("the newest installed patch release of the same minor version is used", () => {
  expect(installedPython("3.8.5-buster", ["2.7.18", "3.8.9", "3.8.18", "3.9.1", "3.80.1"])).toBe("3.8.18");
});

test("without a matching Python the error says how to install one", () => {
  expect(() => installedPython("3.8.5-buster", ["3.9.1"])).toThrow(
    /No CPython 3\.8 in .*Install it with: pyenv install 3\.8/,
  );
});

test.each([
  ["lib/python3.8/site-packages/pip/__init__.py", true],
  ["lib/python3.8/site-packages/setuptools-56.0.0.dist-info", true],
  ["lib/python3.8/site-packages", true],
  ["lib/python3.8/site-packages/company_proxy.pth", false],
  ["lib/python3.8/site-packages/requests", false],
  ["lib/python3.8/test/test_os.py", false],
  ["lib/python3.8/unittest/case.py", true],
  ["lib/python3.8/config-3.8-x86_64-linux-gnu/libpython3.8.a", false],
  ["lib/python3.8/config-3.8-x86_64-linux-gnu/Makefile", true],
  ["lib/python3.8/__pycache__/os.cpython-38.opt-1.pyc", false],
  ["lib/python3.8/__pycache__/os.cpython-38.pyc", true],
])("%s of the host's Python is copied into the image: %s", (path, expected) =>
  expect(belongs(path)).toBe(expected),
);

test("the base image comes from the host's Debian sources, without third-party ones", () => {
  const list = [
    "http://mirror.example/debian/ bookworm main Debian",
    "http://mirror.example/debian/ bookworm main Debian",
    "http://mirror.example/debian-security/ bookworm-security main Debian",
    "https://packages.example/apt cloud-sdk-bookworm main example",
    "http://mirror.example/debian/ trixie main Debian",
  ].join("\n");
  expect(sourcesOf(list)).toEqual([
    "deb http://mirror.example/debian/ bookworm main",
    "deb http://mirror.example/debian-security/ bookworm-security main",
  ]);
});
