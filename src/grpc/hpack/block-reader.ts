import { emptyBytes, type Bytes } from '../../base/bytes.ts';
import { HpackError } from './error.ts';
import { decodedBytesMax, decodeHuffman } from './huffman.ts';

/** The primitives of a header block: integers and strings (RFC 7541, section 5), read one after another. */

/** No integer of a block may be larger: nothing here has so many bytes or fields. */
const integerMax = 2 ** 28;
/** Bytes after the first that an integer may have: four hold 28 bits, one more may hold none. */
const continuationBytesMax = 5;

/** Strings up to this long are made of their characters; longer ones are cheaper by a call into the runtime. */
const shortStringBytes = 12;

/** Where strings are decoded, unless they are longer. It holds nothing from one call to the next. */
const scratch = Buffer.allocUnsafeSlow(4_096);

export class BlockReader {
  private block: Bytes = emptyBytes;
  private position = 0;
  private end = 0;

  /** The bytes from `start` to `end` are looked at until `close`, and their strings are copies. */
  open(block: Bytes, start: number, end: number): void {
    this.block = block;
    this.position = start;
    this.end = end;
  }

  close(): void {
    this.open(emptyBytes, 0, 0);
  }

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /** The next byte, which stays the next. */
  peek(): number {
    if (this.position >= this.end) throw new HpackError('header block ends in a field');
    return this.block[this.position] as number;
  }

  /** An integer that begins in the low `prefixBits` of the next byte. */
  readInteger(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1;
    const prefix = this.peek() & prefixMax;
    this.position++;
    return prefix < prefixMax ? prefix : this.readContinuation(prefixMax);
  }

  private readContinuation(prefix: number): number {
    let value = prefix;
    let scale = 1;
    for (let count = 0; count < continuationBytesMax; count++) {
      const byte = this.peek();
      this.position++;
      value += (byte & 0x7f) * scale;
      if (value > integerMax) throw new HpackError('integer too large');
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new HpackError('integer too long');
  }

  readString(): string {
    const isHuffman = this.peek() >= 0x80;
    const length = this.readInteger(7);
    const start = this.position;
    const end = start + length;
    // Before anything is allocated by the length that the other end claims.
    if (end > this.end) throw new HpackError('string runs past the end of its block');
    this.position = end;
    if (!isHuffman) {
      if (length <= shortStringBytes) return shortText(this.block, start, end);
      const target = roomFor(length);
      for (let i = 0; i < length; i++) target[i] = this.block[start + i] as number;
      return target.toString('latin1', 0, length);
    }
    const target = roomFor(decodedBytesMax(length));
    const decoded = decodeHuffman(this.block, start, end, target);
    if (decoded <= shortStringBytes) return shortText(target, 0, decoded);
    return target.toString('latin1', 0, decoded);
  }
}

function roomFor(bytes: number): Buffer {
  return bytes <= scratch.length ? scratch : Buffer.allocUnsafeSlow(bytes);
}

function shortText(bytes: Bytes, start: number, end: number): string {
  let text = '';
  let i = start;
  for (; i + 4 <= end; i += 4) {
    text += String.fromCharCode(
      bytes[i] as number,
      bytes[i + 1] as number,
      bytes[i + 2] as number,
      bytes[i + 3] as number,
    );
  }
  for (; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
