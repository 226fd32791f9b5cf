import { expect, test } from "vitest";
import { installedPython } from "../../src/images/pyenv.ts";
import { sourcesOf } from "../../src/images/recipes/base/prepare.ts";
import { belongs } from "../../src/images/recipes/python-host/prepare.ts";

const INSTALLED = ["2.7.18", "3.8.9", "3.8.18", "3.9.1", "3.80.1", "3.10-dev", "pypy3.8-7.3", "venv"];

test.each([
  ["3.8", "3.8.18"],
  ["3", "3.80.1"],
  ["3.10", undefined],
])("for Python %s the newest installed release is used: %s", (version, expected) => {
  expect(installedPython(version, INSTALLED)).toBe(expected);
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
