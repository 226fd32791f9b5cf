/**
 * Shortest part of a secret that is masked on its own, in characters; GitLab demands as many of a masked variable.
 * Shorter values, such as the name of a user, occur in ordinary output.
 */
const SHORTEST_PART = 8;

/**
 * The texts of a secret that output must not contain: all of it, with and without the white space around it, and, as a
 * secret may hold several values, each line and each value in it (NAME=value, netrc, JSON, YAML, a URL's password).
 */
export function maskedTexts(secret: string): string[] {
  const parts = secret
    .split(/\r?\n|\\n/)
    .flatMap((line) => [line, ...valuesIn(line.trim())])
    .map((part) => part.trim())
    .filter((part) => part.length >= SHORTEST_PART && !/^-+[^-]*-+$/.test(part));
  const whole = [secret, secret.trim()].filter((text) => text.trim() !== "");
  return [...new Set([...whole, ...parts])];
}

function valuesIn(line: string): string[] {
  const [, assigned = ""] = /^(?:export\s+)?["']?[\w.-]+["']?\s*[=:]\s*(.+)$/.exec(line) ?? [];
  const values = [assigned, assigned.replace(/\s+#.*$/, ""), assigned.replace(/,$/, "")].map(unquote);
  const words = [...line.matchAll(/\b(?:password|account|login)\s+(\S+)/g)].map(([, word = ""]) =>
    unquote(word),
  );
  const passwords = [...line.matchAll(/:\/\/[^\s/:@]*:([^\s/@]+)@/g)].map(([, password = ""]) => password);
  return [...values, ...words, ...passwords];
}

function unquote(value: string): string {
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value;
}
