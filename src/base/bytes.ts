/**
 * Byte strings. Everything the store handles is a `Uint8Array` from the socket to the disk; this is the
 * one file of the pure layers that may use Node's `Buffer`, which is the fastest way to do most of this.
 */

export type Bytes = Uint8Array;

export const emptyBytes: Bytes = new Uint8Array(0);

/** Orders by unsigned bytes, a prefix first: negative, zero or positive as `a` is below, at or above `b`. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const length = Math.min(a.length, b.length);
  // Short keys dominate: a loop beats the call into the runtime below about 32 bytes.
  if (length > 32) return Buffer.compare(a, b);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** One fresh array that holds the parts in order. */
export function concatBytes(parts: readonly Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A copy that shares memory with nothing: what state may keep of bytes that came from elsewhere. */
export function copyBytes(bytes: Bytes): Bytes {
  return new Uint8Array(bytes);
}

export function utf8(text: string): Bytes {
  const buffer = Buffer.from(text, 'utf8');
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Decodes UTF-8; malformed sequences become U+FFFD, so this is for text, never for keys. */
export function textOf(bytes: Bytes): string {
  return view(bytes).toString('utf8');
}

/** One character per byte (Latin-1): a reversible string form, fit for map keys, not for people. */
export function binaryString(bytes: Bytes): string {
  const { length } = bytes;
  if (length > scratch.length) return view(bytes).toString('latin1');
  // To copy a short key is less work than to make a view of it.
  for (let i = 0; i < length; i++) scratch[i] = bytes[i] as number;
  return scratch.toString('latin1', 0, length);
}

const scratch = Buffer.alloc(64);

/** The bytes of which `binaryString` made the text. */
export function latin1Bytes(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export function fromBinaryString(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export function hex(bytes: Bytes): string {
  return view(bytes).toString('hex');
}

export function fromHex(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function base64(bytes: Bytes): string {
  return view(bytes).toString('base64');
}

export function fromBase64(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/**
 * The end of the range of all keys that start with `prefix`: the prefix with its last byte that is not
 * 0xff raised by one. A prefix of only 0xff bytes has no such end; etcd then means "from the key on", `\0`.
 */
export function prefixEnd(prefix: Bytes): Bytes {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i] as number;
    if (byte < 0xff) {
      const end = prefix.slice(0, i + 1);
      end[i] = byte + 1;
      return end;
    }
  }
  return new Uint8Array(1);
}

export function writeUint32(target: Bytes, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

export function readUint32(source: Bytes, offset: number): number {
  return (
    (((source[offset] as number) << 24) |
      ((source[offset + 1] as number) << 16) |
      ((source[offset + 2] as number) << 8) |
      (source[offset + 3] as number)) >>>
    0
  );
}

/** Writes a safe non-negative integer as 8 big-endian bytes, the order in which LevelDB sorts it. */
export function writeUint64(target: Bytes, offset: number, value: number): void {
  writeUint32(target, offset, Math.floor(value / 0x1_0000_0000));
  writeUint32(target, offset + 4, value >>> 0);
}

/** Reads 8 big-endian bytes. The result is exact only up to 2^53 - 1; callers assert that it is safe. */
export function readUint64(source: Bytes, offset: number): number {
  return readUint32(source, offset) * 0x1_0000_0000 + readUint32(source, offset + 4);
}

export function writeBigUint64(target: Bytes, offset: number, value: bigint): void {
  writeUint32(target, offset, Number((value >> 32n) & 0xffff_ffffn));
  writeUint32(target, offset + 4, Number(value & 0xffff_ffffn));
}

export function readBigUint64(source: Bytes, offset: number): bigint {
  return (BigInt(readUint32(source, offset)) << 32n) | BigInt(readUint32(source, offset + 4));
}

function view(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
