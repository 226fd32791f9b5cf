import { UserError } from "./errors.ts";

/** Finds the value of a variable; "" for one that is not set. */
export type Lookup = (name: string) => string;

/** What makes the official engine read a value as a shell does. Any other is taken as it is, with spaces and #. */
const shellFeatures = /["'`\\]|\$[A-Za-z_{(]/;

/**
 * Expands the value of a line of `.env` as the official engine does: quotes, backslashes, comments, $NAME and ${NAME:-default}.
 * An empty variable counts as not set.
 * @throws UserError that contains no value, for a variable that is not set and has no default, and for other syntax.
 */
export function expandValue(text: string, lookup: Lookup): string {
  return shellFeatures.test(text) ? new Reader(text, lookup).words().join(" ") : text;
}

/**
 * Expands variables by their names: those of a file from its raw values, others by `outer`. A variable that depends on
 * itself counts as not set.
 */
export function expander(raw: ReadonlyMap<string, string>, outer: Lookup): Lookup {
  const expanding = new Set<string>();
  return function expand(name) {
    const text = raw.get(name);
    if (text === undefined) return outer(name);
    if (expanding.has(name)) return "";
    expanding.add(name);
    try {
      return expandValue(text, expand);
    } finally {
      expanding.delete(name);
    }
  };
}

class Reader {
  private at = 0;
  private readonly text: string;
  private readonly lookup: Lookup;

  constructor(text: string, lookup: Lookup) {
    this.text = text;
    this.lookup = lookup;
  }

  /** The words of an unquoted text, up to a comment. */
  words(): string[] {
    const words: string[] = [];
    let word: string | undefined;
    for (; this.at < this.text.length; ) {
      const char = this.text[this.at] as string;
      if (char === "#" && word === undefined) break;
      if (/\s/.test(char)) {
        if (word !== undefined) words.push(word);
        word = undefined;
        this.at += 1;
      } else word = (word ?? "") + this.piece(char);
    }
    return word === undefined ? words : [...words, word];
  }

  private piece(char: string): string {
    if (char === "'") return this.until("'");
    if (char === '"') return this.doubleQuoted();
    if (char === "$") return this.variable();
    if (/[`;|&<>()]/.test(char)) throw new UserError(`the character ${char} needs quotes`);
    this.at += 1;
    return char === "\\" ? (this.text[this.at++] ?? "") : char;
  }

  /** What stands before an end, from the next character on. */
  private until(end: string): string {
    const to = this.text.indexOf(end, this.at + 1);
    if (to < 0) throw new UserError(`a ${end} is missing`);
    const found = this.text.slice(this.at + 1, to);
    this.at = to + 1;
    return found;
  }

  private doubleQuoted(): string {
    let found = "";
    for (this.at += 1; this.text[this.at] !== '"'; ) {
      const char = this.text[this.at];
      if (char === undefined) throw new UserError('a " is missing');
      if (char === "$") found += this.variable();
      else if (char === "`") throw new UserError("it cannot run commands");
      else {
        if (char === "\\" && /["$`\\]/.test(this.text[this.at + 1] ?? "")) this.at += 1;
        found += this.text[this.at];
        this.at += 1;
      }
    }
    this.at += 1;
    return found;
  }

  private variable(): string {
    const rest = this.text.slice(this.at);
    if (rest.startsWith("$(")) throw new UserError("it cannot run commands");
    const [plain, name] = /^\$([A-Za-z_]\w*)/.exec(rest) ?? [];
    this.at += plain?.length ?? 1;
    if (name !== undefined) return this.valueOr(name, "", "");
    return rest.startsWith("${") ? this.braces() : "$";
  }

  /** ${NAME}, or with a default (-), a replacement (+) or a message (?) after the name. */
  private braces(): string {
    const inside = this.text.slice(this.at + 1, this.closingBrace());
    this.at += inside.length + 2;
    const [, name, operator = "", word = ""] = /^([A-Za-z_]\w*)(?::?([-+?])(.*))?$/s.exec(inside) ?? [];
    if (name === undefined)
      throw new UserError(
        "between braces, after a variable's name, it knows only :-DEFAULT, :+TEXT and :?MESSAGE",
      );
    return this.valueOr(name, operator, word);
  }

  private closingBrace(): number {
    let depth = 0;
    for (let at = this.at; at < this.text.length; at++) {
      if (this.text[at] === "{") depth += 1;
      else if (this.text[at] === "}") depth -= 1;
      if (depth === 0) return at;
    }
    throw new UserError("a } is missing");
  }

  private valueOr(name: string, operator: string, word: string): string {
    const value = this.lookup(name);
    if (operator === "+") return value && expandValue(word, this.lookup);
    if (value) return value;
    if (operator === "-") return expandValue(word, this.lookup);
    throw new UserError(
      `${name}: ${word || "unbound variable"}; set it, or write \${${name}:-} if it may be unset`,
    );
  }
}
