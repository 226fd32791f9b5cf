// The types alone: every call of the module loads this file, but few need the parser.
import type { parser as Parser } from "@lezer/python";

type Node = ReturnType<typeof Parser.parse>["topNode"];

/** A text in a file, with its line. */
export interface Text {
  text: string;
  line: number;
}

/** The texts and names of one Python file. Its syntax may be of any version, and broken in places. */
export interface PythonSource {
  /** Texts in what is assigned to a name, in the order of the file. A variable counts for the texts assigned to it. */
  assigned(name: string): Text[];
  /** Texts that stand beside the name of an environment variable: its default, or the value that it is set to. */
  environment(name: string): Text[];
  /** Modules that are imported, as they are written: "os", ".base", "..conf.settings". */
  imports(): Text[];
  /** Variables to which a call of a class or function is assigned. */
  constructed(callee: RegExp): Text[];
  /** Texts among the arguments of a function. */
  argumentsOf(callee: string): Text[];
  /** Texts in the value of an argument that is passed by name. */
  keyword(name: string): Text[];
  /** Every text. An f-string has "{}" in place of each expression. */
  texts(): Text[];
  /** Names that are assigned or imported at any place. */
  defines(name: string): boolean;
}

export async function parsePython(source: string): Promise<PythonSource> {
  const { parser } = await import("@lezer/python");
  const all = descendants(parser.parse(source).topNode);
  const of = (node: Node): string => source.slice(node.from, node.to);
  const lineAt = lineCounter(source);
  const place = (node: Node, text: string): Text => ({ text, line: lineAt(node.from) });
  const assignments = all.filter(({ name }) => name === "AssignStatement").map(splitAssignment);
  const calls = all.filter(({ name }) => name === "CallExpression");

  const textsIn = (nodes: Node[]): Text[] =>
    outermost(nodes, isText).map((node) => place(node, decode(node, of)));

  /** With the texts of variables, one step deep. */
  const resolved = (nodes: Node[]): Text[] =>
    outermost(nodes, (node) => isText(node) || node.name === "VariableName").flatMap((node) =>
      isText(node)
        ? [place(node, decode(node, of))]
        : assignments
            .filter(({ targets }) => targets.some((target) => of(target) === of(node)))
            .flatMap(({ value }) => textsIn(value)),
    );

  let everyText: Text[] | undefined;
  const isNamed = (nodes: Node[], name: string): boolean => textsIn(nodes).some(({ text }) => text === name);

  return {
    assigned: (name) =>
      assignments
        .filter(({ targets }) => targets.some((target) => of(target) === name))
        .flatMap(({ value }) => resolved(value)),
    environment(name) {
      const set = assignments.filter(({ targets }) => isNamed(targets, name)).map(({ value }) => value);
      const given = calls.map(children).filter((nodes) => isNamed(nodes.slice(1), name));
      const texts = [...set, ...given.map((nodes) => nodes.slice(1))].flatMap(resolved);
      return unique(texts.filter(({ text }) => text !== name)).sort((a, b) => a.line - b.line);
    },
    imports: () =>
      all
        .filter(({ name }) => name === "ImportStatement")
        .map((node) => place(node, importedModule(children(node), of)))
        .filter(({ text }) => text !== ""),
    constructed: (callee) =>
      assignments.flatMap(({ targets, value }) =>
        value.some((node) => node.name === "CallExpression" && callee.test(calleeOf(node, of)))
          ? targets.map((target) => place(target, of(target)))
          : [],
      ),
    argumentsOf: (callee) =>
      calls
        .filter((node) => calleeOf(node, of) === callee)
        .flatMap((node) => textsIn(children(node).slice(1))),
    keyword: (name) =>
      all
        .filter((node) => node.name === "ArgList")
        .map(children)
        .flatMap((nodes) =>
          nodes.flatMap((node, i) =>
            of(node) === name && nodes[i + 1]?.name === "AssignOp" ? resolved(nodes.slice(i + 2, i + 3)) : [],
          ),
        ),
    texts: () => {
      everyText ??= textsIn(all.slice(0, 1));
      return everyText;
    },
    defines: (name) =>
      assignments.some(({ targets }) => targets.some((target) => of(target) === name)) ||
      all.some(
        (node) =>
          node.name === "ImportStatement" &&
          children(node).at(-1)?.name === "VariableName" &&
          children(node).some((part) => part.name === "VariableName" && of(part) === name),
      ),
  };
}

const isText = ({ name }: Node): boolean =>
  name === "String" || name === "ContinuedString" || name === "FormatString";

/** Gives the line of a position, from 1. */
function lineCounter(source: string): (position: number) => number {
  const ends = [...source.matchAll(/\n/g)].map(({ index }) => index);
  return (position) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < position) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

function children(node: Node): Node[] {
  const found: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}

function descendants(node: Node): Node[] {
  return [node, ...children(node).flatMap(descendants)];
}

/** The nodes that fit, in the order of the file, and nothing inside them. */
function outermost(nodes: Node[], fits: (node: Node) => boolean): Node[] {
  const found: Node[] = [];
  let end = -1;
  const visit = (node: Node): void => {
    if (node.from < end) return;
    if (fits(node)) {
      end = node.to;
      found.push(node);
    } else {
      for (const child of children(node)) visit(child);
    }
  };
  for (const node of nodes) visit(node);
  return found;
}

/** `a = b = value` has two targets. */
function splitAssignment(node: Node): { targets: Node[]; value: Node[] } {
  const parts = children(node);
  const at = parts.findLastIndex(({ name }) => name === "AssignOp");
  const targets = parts
    .slice(0, Math.max(at, 0))
    .filter(({ name }) => name !== "AssignOp" && name !== "TypeDef");
  return { targets, value: at < 0 ? [] : parts.slice(at + 1) };
}

/** The last part of what is called: "Celery" for celery.Celery(...). */
function calleeOf(call: Node, of: (node: Node) => string): string {
  const [callee] = children(call);
  return callee ? (of(callee).split(".").at(-1) as string) : "";
}

/** Of `from ..a.b import c` what stands between the two words; of `import a.b` what follows. */
function importedModule(parts: Node[], of: (node: Node) => string): string {
  const [first, ...rest] = parts;
  const end = rest.findIndex(({ name }) => name === "import" || name === "as" || name === ",");
  return (first ? rest.slice(0, end < 0 ? undefined : end) : []).map(of).join("");
}

function decode(node: Node, of: (node: Node) => string): string {
  if (node.name === "ContinuedString")
    return children(node)
      .map((part) => decode(part, of))
      .join("");
  let literal = of(node);
  for (const part of children(node).toReversed()) {
    if (part.name !== "FormatReplacement") continue;
    literal = `${literal.slice(0, part.from - node.from)}{}${literal.slice(part.to - node.from)}`;
  }
  const [, , body = ""] = /^[a-z]*("""|'''|"|')([\s\S]*?)\1?$/i.exec(literal) ?? [];
  return body.replace(/\\\n/g, "").replace(/\\(["'\\])/g, "$1");
}

function unique(texts: Text[]): Text[] {
  return [...new Map(texts.map((item) => [`${item.line} ${item.text}`, item])).values()];
}
