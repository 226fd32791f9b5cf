/**
 * Reads the value of a NAME=VALUE line as the dotenv library does: quotes are removed, what follows " #" is a comment, nothing
 * is expanded. Where dotenv, compose and shells read a value differently, it has to be quoted so that they agree.
 * @param text what follows the sign.
 * @throws Error that contains nothing of the value.
 */
export function parseValue(text: string): string {
  const value = text.trim();
  if (/^["'`]/.test(value)) return quoted(value);
  if (!value.includes("#")) return value;
  const [found, before] = /^([^#]*)\s#/.exec(text) ?? [];
  if (found === undefined)
    throw new Error('has a "#" in its value, where some programs begin a comment: put the value in quotes');
  return (before as string).trim();
}

function quoted(value: string): string {
  const quote = value[0] as string;
  const [, simple, comment = ""] = new RegExp(`^${quote}([^${quote}]*)${quote}\\s*(#.*)?$`).exec(value) ?? [];
  const isClear = simple !== undefined && !(simple.endsWith("\\") && comment.includes(quote));
  const nested = !value.includes("#") && value.length > 1 && value.endsWith(quote);
  if (!isClear && !nested)
    throw new Error(
      `has a ${quote} that is not closed, or text after it: put the whole value in other quotes`,
    );
  const inner = isClear ? simple : value.slice(1, -1);
  if (quote === '"' && /\\[nr]/.test(inner))
    throw new Error(
      "has a line break as \\n in double quotes: a value is one line; for a backslash use single quotes",
    );
  return inner;
}
