import type { Declared } from "./declared.js";
import { type Fact, found } from "./fact.js";

/** Declared packages by name: the specifier, and where it stands. The first declaration of a name counts. */
export function byName(declared: Declared[]): Record<string, Fact<string>> {
  const packages: Record<string, Fact<string>> = {};
  for (const item of declared) packages[item.name] ??= found(item.specifier, item);
  return packages;
}

/** All extras that are asked for, by the name of the package. */
export function extrasByName(declared: Declared[]): Record<string, string[]> {
  const extras: Record<string, string[]> = {};
  for (const { name, extras: names } of declared) extras[name] = [...(extras[name] ?? []), ...names];
  return extras;
}

/** Packages that exist for Windows alone, as far as applications name them without a marker by mistake. */
const windowsOnly = /^(pywin32|pypiwin32|pywinpty|wmi|comtypes|pywinauto|win32-setctime|xlwings|winrt)$/;

/** The first package that can only be installed on Windows. */
export function windowsPackage(declared: Declared[]): Declared | undefined {
  return declared.find(({ name }) => windowsOnly.test(name));
}
