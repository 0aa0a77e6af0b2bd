import type { Bytes } from '../../base/bytes.ts';
import { encodeHuffman, huffmanBytes } from './huffman.ts';

/** The primitives of a header block: integers and strings (RFC 7541, section 5), written one after another. */

/** Beyond this the memory of a large block is let go once it is taken. */
const keptBytes = 4_096;
/** What an integer takes at most. */
const integerBytesMax = 6;

export class BlockWriter {
  private bytes: Bytes = new Uint8Array(256);
  private length = 0;

  /** A copy of what was written, and begins anew. */
  take(): Bytes {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    if (this.bytes.length > keptBytes) this.bytes = new Uint8Array(keptBytes);
    return taken;
  }

  /** An integer in the low `prefixBits` of a byte, with `flags` above them, and in more bytes if it needs them. */
  writeInteger(flags: number, prefixBits: number, value: number): void {
    this.reserve(integerBytesMax);
    const prefixMax = (1 << prefixBits) - 1;
    if (value < prefixMax) {
      this.bytes[this.length++] = flags | value;
      return;
    }
    this.bytes[this.length++] = flags | prefixMax;
    let rest = value - prefixMax;
    for (; rest >= 0x80; rest >>>= 7) this.bytes[this.length++] = 0x80 | (rest & 0x7f);
    this.bytes[this.length++] = rest;
  }

  /** In the Huffman code where that is shorter. */
  writeString(text: string): void {
    const packedBytes = huffmanBytes(text);
    if (packedBytes < text.length) {
      this.writeInteger(0x80, 7, packedBytes);
      this.reserve(packedBytes);
      this.length = encodeHuffman(text, this.bytes, this.length);
      return;
    }
    this.writeInteger(0, 7, text.length);
    this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
