/** Data as SSH encodes it: numbers, and strings that their length precedes (RFC 4251, 5). */
export function encodeField(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads such data. */
export class Fields {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** @throws RangeError when the bytes end before it. */
  number(): number {
    this.at += 4;
    return this.bytes.readUInt32BE(this.at - 4);
  }

  /** @throws RangeError when the bytes end before it. */
  next(): Buffer {
    const length = this.number();
    if (this.at + length > this.bytes.length) throw new RangeError("cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}
