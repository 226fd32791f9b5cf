import { createPrivateKey } from "node:crypto";
import { Fields } from "./ssh-wire.js";

/** A PEM block: what it contains, and its text between the two lines. */
const pem = /-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----([\s\S]*?)-----END \1-----/;
const begin = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;

/** Faults of a private key that its text shows, each with its remedy. The first that fits is reported. */
const faults: readonly [fits: (text: string) => boolean, message: string][] = [
  [(text) => text.trim() === "", "is empty: is the variable or file that it names set?"],
  [
    (text) => /[\0\ufffd]/.test(text) || text.startsWith("\ufeff"),
    "is not plain text but UTF-16, or begins with a byte order mark: save the key's file as ASCII",
  ],
  [
    (text) => /^\s*(ssh-|ecdsa-|sk-)\S+ AAAA/.test(text) || /BEGIN (SSH2 |RSA )?PUBLIC KEY/.test(text),
    "is a public key: give the private one, from the file without .pub",
  ],
  [
    (text) => text.startsWith("PuTTY-User-Key-File"),
    "is a key in PuTTY's format: convert it with puttygen KEY.ppk -O private-openssh -o KEY",
  ],
  [
    (text) => !begin.test(text) && begin.test(decode(text)),
    "is encoded in base64: give the key itself, as base64 --decode prints it",
  ],
  [
    (text) => !begin.test(text) && /^\s*(file:\/\/|~|\.{0,2}\/)\S*\s*$/.test(text),
    "is a path, not a key: give --ssh-key=file://PATH",
  ],
  [
    (text) => !begin.test(text),
    "is not a private key: give the file that ssh-keygen wrote, which begins with -----BEGIN",
  ],
  [
    (text) => /-----\\+[nr]/.test(text),
    "has \\n spelled out where lines end: store the key with real line ends, for example as a file variable",
  ],
  [
    (text) => !/PRIVATE KEY-----[ \t]*\r?\n[\s\S]/.test(text),
    "is on one line, with its line ends lost: quote the variable where it is set, or store the key as a file",
  ],
  [
    // In PEM's other formats SSH skips what comes first.
    (text) => /-----BEGIN OPENSSH/.test(text) && !text.startsWith("-----BEGIN"),
    "has something before -----BEGIN, such as a space, an empty line or a quote: remove it",
  ],
  [
    (text) => /\n[ \t]+\S/.test(text),
    "has indented lines: store the key as ssh-keygen wrote it, with no space before a line",
  ],
  [(text) => !pem.test(text), "is cut off: the line -----END is missing; store the whole file"],
];

const passphrase =
  "has a passphrase, which nobody can type here: make a key for deploys with ssh-keygen -N '', or remove it from a copy with ssh-keygen -p -N '' -f COPY";
const damaged = "is damaged: some of its characters are missing or changed; store the whole file once more";
const unsupported = "is of a kind that SSH does not use here: make one with ssh-keygen -t ed25519 -N ''";
const inHardware =
  "belongs to a security key, which has to be touched: make a key for deploys with ssh-keygen -t ed25519 -N ''";

/**
 * Checks a private key before anything connects with it. Windows line ends and a missing last line end are no faults.
 * @throws Error, one line that contains nothing of the key, with what it is and what to do.
 */
export function checkPrivateKey(text: string): void {
  const fault = faults.find(([fits]) => fits(text))?.[1] ?? faultInside(text);
  if (fault !== undefined) throw new Error(`--ssh-key ${fault}`);
}

function faultInside(text: string): string | undefined {
  const [whole = "", kind = "", body = ""] = pem.exec(text) ?? [];
  if (kind === "OPENSSH PRIVATE KEY") return faultOfOpenSsh(Buffer.from(body, "base64"));
  if (kind === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(body)) return passphrase;
  if (kind === "DSA PRIVATE KEY") return unsupported;
  try {
    const key = createPrivateKey(whole);
    return canBeUsed(key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve) ? undefined : unsupported;
  } catch {
    return damaged;
  }
}

function canBeUsed(type: string | undefined, curve: string | undefined): boolean {
  return (
    ["rsa", "ed25519"].includes(type ?? "") ||
    (type === "ec" && /^(prime256v1|secp384r1|secp521r1)$/.test(curve ?? ""))
  );
}

/** OpenSSH's own format: PROTOCOL.key in its sources. */
function faultOfOpenSsh(blob: Buffer): string | undefined {
  const magic = "openssh-key-v1\0";
  if (blob.toString("latin1", 0, magic.length) !== magic) return damaged;
  try {
    const fields = new Fields(blob.subarray(magic.length));
    const cipher = fields.next().toString();
    fields.next(); // Key derivation function
    fields.next(); // and its options.
    if (fields.number() !== 1) return damaged;
    const type = new Fields(fields.next()).next().toString();
    if (cipher !== "none") return passphrase;
    const secret = new Fields(fields.next());
    // Two equal numbers, random for each file.
    const [first, second] = [secret.number(), secret.number()];
    if (first !== second) return damaged;
    if (type.startsWith("sk-")) return inHardware;
    return /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521))$/.test(type) ? undefined : unsupported;
  } catch {
    return damaged;
  }
}

function decode(text: string): string {
  return Buffer.from(text, "base64").toString("latin1");
}
