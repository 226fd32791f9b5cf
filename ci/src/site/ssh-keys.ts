import { generateKeyPairSync } from "node:crypto";
import { encodeField } from "./ssh-wire.js";

/** An SSH key pair. */
export interface KeyPair {
  /** PEM, which ssh and sshd read. */
  privateKey: string;
  /** "ecdsa-sha2-nistp256 AAAA..." */
  publicKey: string;
}

/** A new key on the NIST curve P-256, whose PEM format every sshd reads, unlike that of Ed25519. */
export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const type = "ecdsa-sha2-nistp256";
  // RFC 5656, 3.1: name, curve and point, each prefixed with its length.
  const blob = Buffer.concat([encodeField(type), encodeField("nistp256"), encodeField(point)]);
  return {
    privateKey: privateKey.export({ format: "pem", type: "sec1" }) as string,
    publicKey: `${type} ${blob.toString("base64")}`,
  };
}
