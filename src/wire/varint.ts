import { mustBeSafe } from '../base/assert.ts';
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
/** Takes a bigint apart and puts it together at a tenth of what shifts of bigints cost. */
const halves = new DataView(new ArrayBuffer(8));

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
    // Nearly every tag, length and flag is one byte.
    const first = this.offset < this.end ? (this.bytes[this.offset] as number) : 0x80;
    if (first >= 0x80) return this.readLongVarint();
    this.offset++;
    this.low = first;
    this.high = 0;
  }

  private readLongVarint(): void {
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
    halves.setUint32(0, this.high);
    halves.setUint32(4, this.low);
    return halves.getBigInt64(0);
  }

  unsignedBig(): bigint {
    halves.setUint32(0, this.high);
    halves.setUint32(4, this.low);
    return halves.getBigUint64(0);
  }

  // What a varint field holds, by its type.

  readSigned(): number {
    this.readVarint();
    return this.signedSaturating();
  }

  readUnsigned(): number {
    this.readVarint();
    return this.unsignedSaturating();
  }

  readSignedBig(): bigint {
    this.readVarint();
    return this.signedBig();
  }

  readUnsignedBig(): bigint {
    this.readVarint();
    return this.unsignedBig();
  }

  readEnum(): number {
    this.readVarint();
    return this.low | 0;
  }

  readBool(): boolean {
    this.readVarint();
    return this.low !== 0 || this.high !== 0;
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

  /** Reads a field's tag: its number and wire type in one, as `WireWriter` takes them. */
  readTag(): number {
    this.readVarint();
    // Field numbers are 1 to 2^29 - 1: such a tag has 32 bits.
    if (this.high !== 0 || this.low < 8) throw new WireError(malformed);
    return this.low;
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
      const tag = this.readTag();
      const wireType = tag & 7;
      const number = tag >>> 3;
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

/** What `finishShared` gives out is cut from pieces of this size; a buffer that has grown beyond it is not kept. */
const chunkBytes = 16 * 1024;
/** A large buffer is given away whole, unless more than a quarter of it would be kept for nothing. */
const fillShare = 4 / 3;

/**
 * Writes messages from back to front: by the time a length is due the content stands already, so nested messages
 * need no second pass.
 */
export class WireWriter {
  private buffer = new Uint8Array(chunkBytes);
  /** Where the message being written starts, and where it ends. */
  private start = chunkBytes;
  private end = chunkBytes;

  get length(): number {
    return this.end - this.start;
  }

  /** Begins a new message. */
  clear(): void {
    this.start = this.end;
  }

  /** About so many bytes are to come: one buffer for all of them, rather than one that grows. */
  expect(bytes: number): void {
    if (this.start < bytes && this.length === 0) this.renew(Math.max(bytes, chunkBytes));
  }

  /** The message, as an array of its own. */
  finish(): Bytes {
    const { buffer, start, end } = this;
    if (buffer.length <= chunkBytes) return buffer.slice(start, end);
    this.renew(chunkBytes);
    const isWellFilled = (end - start) * fillShare > buffer.length;
    return isWellFilled ? buffer.subarray(start, end) : buffer.slice(start, end);
  }

  /**
   * The message, which shares its memory with those before and after it: for what is sent and forgotten. An array of
   * more than 64 bytes by itself costs V8 over a microsecond, ten times as much as a view.
   */
  finishShared(): Bytes {
    const { buffer, start, end } = this;
    if (buffer.length > chunkBytes) return this.finish();
    this.end = start;
    return new Uint8Array(buffer.buffer, start, end - start);
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
    halves.setBigUint64(0, value);
    this.writeHalves(halves.getUint32(4), halves.getUint32(0));
  }

  // Whole fields by their tag; what is undefined or at its default is left out.

  bytesField(tag: number, value: Bytes | undefined): void {
    if (value === undefined || value.length === 0) return;
    this.delimitedField(tag, value);
  }

  /** Also when it is empty. */
  delimitedField(tag: number, value: Bytes): void {
    this.writeBytes(value);
    this.writeNumber(value.length);
    this.writeHalves(tag, 0);
  }

  numberField(tag: number, value: number | undefined): void {
    if (value === undefined || value === 0) return;
    this.writeNumber(value);
    this.writeHalves(tag, 0);
  }

  bigField(tag: number, value: bigint | undefined): void {
    if (value === undefined || value === 0n) return;
    this.writeBig(value);
    this.writeHalves(tag, 0);
  }

  boolField(tag: number, value: boolean | undefined): void {
    if (value === undefined || !value) return;
    this.writeHalves(1, 0);
    this.writeHalves(tag, 0);
  }

  private writeHalves(low: number, high: number): void {
    this.reserve(10);
    if (high === 0 && low < 0x80) {
      this.buffer[--this.start] = low;
      return;
    }
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
    this.moveToNewBuffer(mustBeSafe(length, 'the length of what is written'));
  }

  private moveToNewBuffer(length: number): void {
    const { buffer, start, end } = this;
    const needed = end - start + length;
    this.renew(needed <= chunkBytes ? chunkBytes : 2 * needed);
    this.start -= end - start;
    this.buffer.set(buffer.subarray(start, end), this.start);
  }

  private renew(sizeBytes: number): void {
    this.buffer = new Uint8Array(sizeBytes);
    this.start = sizeBytes;
    this.end = sizeBytes;
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
