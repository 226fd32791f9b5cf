/** Values by section and key. */
export type Ini = Record<string, Record<string, string>>;

/**
 * Reads the format of Python's configparser: an indented line continues the value above it, which the packages for .ini files
 * of other languages read as a key.
 */
export function parseIni(text: string): Ini {
  const ini: Ini = {};
  let section: Record<string, string> = {};
  let key: string | undefined;
  for (const line of text.split("\n")) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    const [, name, value = ""] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (header !== undefined) {
      ini[header] ??= {};
      section = ini[header];
      key = undefined;
    } else if (/^\s/.test(line) && key !== undefined) {
      section[key] = `${section[key]}\n${line.trim()}`.trim();
    } else if (name !== undefined) {
      key = name;
      section[key] = value.replace(/\s[#;].*$/, "").trim();
    }
  }
  return ini;
}
