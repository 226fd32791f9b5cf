import { generateKeyPairSync } from "node:crypto";

/** A key pair for SSH. */
export interface KeyPair {
  /** PEM, as ssh and sshd read it. */
  privateKey: string;
  /** "ecdsa-sha2-nistp256 AAAA..." */
  publicKey: string;
}

/** A new key on NIST's curve P-256, for a machine that lives no longer than a function call. */
export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const kind = "ecdsa-sha2-nistp256";
  // RFC 5656, 3.1: name, curve, point, each with its length.
  const blob = Buffer.concat([field(kind), field("nistp256"), field(point)]);
  return {
    privateKey: privateKey.export({ format: "pem", type: "sec1" }) as string,
    publicKey: `${kind} ${blob.toString("base64")}`,
  };
}

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
