import type { Bytes } from '../base/bytes.ts';

/**
 * Protocol Buffers' variable-length integers (protobuf.dev, "Encoding"): seven bits a byte, low group first,
 * at most ten bytes. A 64-bit value is handled as two unsigned 32-bit halves, so that nothing is rounded.
 */

/** Bytes that are no valid protocol buffer. Its text follows protobuf-go's, which etcd's clients see. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** What protobuf-go says of nearly everything. */
export const malformed = 'proto: cannot parse invalid wire-format data';
const saturated = Number.MAX_SAFE_INTEGER;
const two32 = 0x1_0000_0000;

/** Reads a message from front to back. `low` and `high` hold the halves of the last varint read. */
export class WireReader {
  readonly bytes: Bytes;
  offset = 0;
  /** Where the message being read ends; that of a nested one lies before that of the whole. */
  private end: number;
  low = 0;
  high = 0;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  get atEnd(): boolean {
    return this.offset >= this.end;
  }

  readVarint(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.offset >= end) throw new WireError(malformed);
      const byte = bytes[this.offset++] as number;
      const group = byte & 0x7f;
      if (i < 4) low |= group << (7 * i);
      else if (i === 4) {
        low |= group << 28;
        high = group >>> 4;
      } else high |= group << (7 * i - 32);
      if (byte < 0x80) {
        if (i === 9 && byte > 1) break;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new WireError(malformed);
  }

  /** The last varint as a signed 64-bit integer, saturating at +-(2^53 - 1). */
  signedSaturating(): number {
    if (this.high === 0) return this.low;
    const value = (this.high | 0) * two32 + this.low;
    return value > saturated ? saturated : value < -saturated ? -saturated : value;
  }

  /** The last varint as an unsigned 64-bit integer, saturating at 2^53 - 1. */
  unsignedSaturating(): number {
    const value = this.high * two32 + this.low;
    return value > saturated ? saturated : value;
  }

  signedBig(): bigint {
    return BigInt.asIntN(64, this.unsignedBig());
  }

  unsignedBig(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** A length-delimited field's bytes: a view of the input, not a copy. */
  readDelimited(): Bytes {
    const length = this.readLength();
    const start = this.offset;
    this.offset = start + length;
    return this.bytes.subarray(start, this.offset);
  }

  /** Goes into a length-delimited field, which is then all there is to read; answers what `leave` takes. */
  enter(): number {
    const outerEnd = this.end;
    const length = this.readLength();
    this.end = this.offset + length;
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.end = outerEnd;
  }

  private readLength(): number {
    this.readVarint();
    const length = this.unsignedSaturating();
    if (length > this.end - this.offset) throw new WireError(malformed);
    return length;
  }

  /** Steps over a field of any wire type; groups are skipped whole. */
  skip(wireType: number, fieldNumber: number, depth = 0): void {
    switch (wireType) {
      case 0:
        this.readVarint();
        return;
      case 1:
        this.advance(8);
        return;
      case 2:
        this.readDelimited();
        return;
      case 3:
        this.skipGroup(fieldNumber, depth);
        return;
      case 5:
        this.advance(4);
        return;
      default:
        throw new WireError(malformed);
    }
  }

  private skipGroup(fieldNumber: number, depth: number): void {
    if (depth >= nestingMax) throw new WireError('proto: exceeded maximum recursion depth');
    for (;;) {
      this.readVarint();
      const wireType = this.low & 7;
      const number = tagNumber(this);
      if (wireType === 4) {
        if (number === fieldNumber) return;
        throw new WireError(malformed);
      }
      this.skip(wireType, number, depth + 1);
    }
  }

  private advance(length: number): void {
    this.offset += length;
    if (this.offset > this.end) throw new WireError(malformed);
  }
}

/**
 * Messages nested deeper than this are refused, so that no input can exhaust the stack. The 128 operations of a
 * transaction may all be nested in each other, at two messages a level.
 */
export const nestingMax = 300;

/** The field number of a tag just read as a varint; 0 and numbers above 2^29 - 1 are malformed. */
export function tagNumber(reader: WireReader): number {
  const number = reader.high * 0x2000_0000 + (reader.low >>> 3);
  if (number === 0 || number > 0x1fff_ffff) {
    throw new WireError(malformed);
  }
  return number;
}

const startCapacity = 256;
/** A buffer that has grown beyond this for one large message is not kept for the next. */
const keptCapacityMax = 64 * 1024;

/**
 * Writes a message from back to front: by the time a length is due the content stands already, so nested
 * messages need no second pass.
 */
export class WireWriter {
  private buffer = new Uint8Array(startCapacity);
  /** Where the written part starts; it reaches to the end of the buffer. */
  private start = startCapacity;

  get length(): number {
    return this.buffer.length - this.start;
  }

  /** Begins a new message, in the same buffer. */
  clear(): void {
    this.start = this.buffer.length;
  }

  /** The message, as an array of its own. */
  finish(): Bytes {
    const message = this.buffer.slice(this.start);
    if (this.buffer.length > keptCapacityMax) this.buffer = new Uint8Array(startCapacity);
    return message;
  }

  writeBytes(bytes: Bytes): void {
    this.reserve(bytes.length);
    this.start -= bytes.length;
    this.buffer.set(bytes, this.start);
  }

  writeTag(fieldNumber: number, wireType: number): void {
    this.writeHalves(((fieldNumber << 3) | wireType) >>> 0, 0);
  }

  /** Any safe integer; a negative one takes ten bytes, as two's complement. */
  writeNumber(value: number): void {
    this.writeHalves(value >>> 0, Math.floor(value / two32) >>> 0);
  }

  writeBig(value: bigint): void {
    this.writeHalves(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
  }

  private writeHalves(low: number, high: number): void {
    this.reserve(10);
    let length = varintLength(low, high);
    this.start -= length;
    let at = this.start;
    let lowLeft = low;
    let highLeft = high;
    while (--length > 0) {
      this.buffer[at++] = (lowLeft & 0x7f) | 0x80;
      lowLeft = ((lowLeft >>> 7) | (highLeft << 25)) >>> 0;
      highLeft >>>= 7;
    }
    this.buffer[at] = lowLeft & 0x7f;
  }

  private reserve(length: number): void {
    if (this.start >= length) return;
    const written = this.length;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, written + length));
    grown.set(this.buffer.subarray(this.start), grown.length - written);
    this.buffer = grown;
    this.start = grown.length - written;
  }
}

function varintLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
  return bits === 0 ? 1 : Math.ceil(bits / 7);
}

/** How many bytes `writeVarint` takes for a safe integer that is not negative. */
export function varintBytes(value: number): number {
  return varintLength(value >>> 0, Math.floor(value / two32) >>> 0);
}

/** Writes a safe integer that is not negative at `start`; answers where it ends. */
export function writeVarint(target: Bytes, start: number, value: number): number {
  let offset = start;
  let rest = value;
  while (rest >= 0x80) {
    target[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[offset++] = rest;
  return offset;
}
