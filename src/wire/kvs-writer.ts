import type { Bytes } from '../base/bytes.ts';
import { RangeResponse } from './range-codec.ts';
import { varintBytes, writeVarint } from './varint.ts';

/** Field 2 of a RangeResponse, length-delimited: before each of its `kvs`. */
export const kvsTag = 0x12;

/** What may stand before the `kvs` and behind them. */
const headBytesMax = 64;
const tailBytesMax = 16;

/**
 * The `kvs` of a RangeResponse, written one behind the other as they are to be sent, with room for the rest of the
 * answer: header and count are known last. Where `expect` was told how much there will be, the answer is one array.
 */
export class KvsWriter {
  private buffer: Bytes = new Uint8Array(0);
  private at = headBytesMax;
  /** A stretch of encoded rows that is yet to be copied: the next one may go on where it ends. */
  private pending: Bytes = this.buffer;
  private pendingStart = 0;
  private pendingEnd = 0;

  /** So many bytes are to come. */
  expect(bytes: number): void {
    this.copyPending();
    const needed = this.at + bytes + tailBytesMax;
    if (needed <= this.buffer.length) return;
    const isFirst = this.at === headBytesMax;
    const larger = new Uint8Array(isFirst ? needed : Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
  }

  /** Of all `kvs` so far. */
  get length(): number {
    return this.at - headBytesMax + this.pendingEnd - this.pendingStart;
  }

  /** An encoded `mvccpb.KeyValue`. */
  add(kv: Bytes): void {
    this.expect(kvBytes(kv.length));
    this.buffer[this.at] = kvsTag;
    this.at = writeVarint(this.buffer, this.at + 1, kv.length);
    this.buffer.set(kv, this.at);
    this.at += kv.length;
  }

  /** One with tag and length before it. `source` is not to be changed before `finish`. */
  addEncoded(source: Bytes, start: number, end: number): void {
    if (source !== this.pending || start !== this.pendingEnd) {
      this.copyPending();
      this.pending = source;
      this.pendingStart = start;
    }
    this.pendingEnd = end;
  }

  /** The whole answer, each time anew in the same memory. Nothing is to be added after it. */
  finish({ header, more, count }: Omit<RangeResponse, 'kvs'>): Bytes {
    const head = RangeResponse.encode({ header });
    const tail = RangeResponse.encode({ more, count });
    this.copyPending();
    if (this.at + tail.length > this.buffer.length) this.expect(tail.length);
    const start = headBytesMax - head.length;
    this.buffer.set(head, start);
    this.buffer.set(tail, this.at);
    return this.buffer.subarray(start, this.at + tail.length);
  }

  private copyPending(): void {
    const { pending, pendingStart, pendingEnd } = this;
    const length = pendingEnd - pendingStart;
    if (length === 0) return;
    this.pendingStart = pendingEnd;
    const needed = this.at + length + tailBytesMax;
    if (needed > this.buffer.length) this.expect(length);
    this.buffer.set(pending.subarray(pendingStart, pendingEnd), this.at);
    this.at += length;
  }
}

/** What a `KeyValue` of so many bytes takes in an encoded RangeResponse. */
export function kvBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}
