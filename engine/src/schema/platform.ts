const systems =
  "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows".split(" ");

/** Architectures by their names, in Go's spelling. */
const architectures: Record<string, string> = {
  ...Object.fromEntries(
    "386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm"
      .split(" ")
      .map((name) => [name, name]),
  ),
  i386: "386",
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
};

/** The platform of Docker's containers on this machine. */
export const hostPlatform = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;

/**
 * A platform in its normal form: "linux/amd64" of "amd64", "linux" or "current" on such a machine.
 * @throws Error for a text that names none.
 */
export function parsePlatform(text: unknown): string {
  const parts = String(text).toLowerCase().split("/");
  const [first = "", second, ...variant] = parts;
  const isShaped = parts.length <= 3 && parts.every((part) => /^[\w.-]+$/.test(part));
  if (isShaped && first === "current" && second === undefined) return hostPlatform;
  if (isShaped && second !== undefined) return [first, architectures[second] ?? second, ...variant].join("/");
  const [system, architecture] = hostPlatform.split("/");
  if (isShaped && systems.includes(first)) return `${first}/${architecture}`;
  if (isShaped && architectures[first]) return `${system}/${architectures[first]}`;
  throw new Error(
    `${JSON.stringify(text)}: unknown operating system or architecture: give a platform such as ${hostPlatform}`,
  );
}
