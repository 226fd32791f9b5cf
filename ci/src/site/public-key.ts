import { Fields } from "./ssh-wire.js";

const kinds =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/;

/**
 * Checks a public SSH key as a .pub file has it, its data included: a machine that gets a wrong one lets nobody in.
 * @returns the key without white space around it.
 * @throws Error, one line that contains nothing of a private key.
 */
export function requirePublicKey(text: string): string {
  const key = text.trim();
  const fault = faultOf(key);
  if (fault === undefined) return key;
  throw new Error(
    `--ssh-public-key ${fault}: give what the .pub file beside the private key contains, "ssh-ed25519 AAAA..."`,
  );
}

function faultOf(key: string): string | undefined {
  if (key === "") return "is empty";
  if (key.includes("PRIVATE KEY")) return "is a private key";
  if (key.includes("BEGIN")) return "is not in OpenSSH's format (ssh-keygen -i converts it)";
  if (/[\r\n]/.test(key)) return "has more than one line";
  const [kind = "", data = ""] = key.split(" ");
  if (!kinds.test(kind)) return "does not begin with a kind of key that sshd accepts";
  return isComplete(kind, data) ? undefined : "is cut off or changed";
}

/** Whether the data are those of a key of this kind: RFC 8709, 4; RFC 4253, 6.6; RFC 5656, 3.1; PROTOCOL.u2f of OpenSSH. */
function isComplete(kind: string, data: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return false;
  try {
    const fields = new Fields(Buffer.from(data, "base64"));
    if (fields.next().toString() !== kind) return false;
    if (!hasKey(kind, fields)) return false;
    // The application that a security key signs for.
    if (kind.startsWith("sk-") && fields.next().length === 0) return false;
    return fields.isAtEnd;
  } catch {
    return false;
  }
}

function hasKey(kind: string, fields: Fields): boolean {
  if (kind.includes("ed25519")) return fields.next().length === 32;
  // An exponent, and a modulus of at least 1024 bits: sshd rejects a shorter one.
  if (kind === "ssh-rsa") return fields.next().length > 0 && fields.next().length >= 128;
  const curve = fields.next().toString();
  const bytes = { nistp256: 32, nistp384: 48, nistp521: 66 }[curve];
  return kind.includes(curve) && bytes !== undefined && fields.next().length === 2 * bytes + 1;
}
