import { mustGet } from '../base/assert.ts';
import type { RevisionStore } from '../mvcc/types.ts';
import { failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import { RangeResponse, type RangeRequest } from '../wire/kv.ts';
import { keySuccessor, keyRangeOf } from '../mvcc/key-range.ts';
import { RangeCursor, revisionHeader, type Progress } from './range.ts';

/**
 * RangeStream: a range in chunks whose merge is what Range would answer (etcd
 * server/etcdserver/v3_server.go, `rangeStream`). Unlike a range it does not hold its revision: a
 * compaction above it ends the stream.
 */

/** Keys of the first chunk; the later ones double or halve towards the size aimed at. */
export const firstChunkKeys = 10;

export interface RangeChunk {
  /** Header, count and more are set on the last chunk alone. */
  readonly response: RangeResponse;
  readonly isLast: boolean;
}

export class RangeStreamCursor {
  private readonly store: RevisionStore;
  private readonly chunkBytes: number;
  /** The revision that the header shows, and the one that is read. */
  private readonly headerRevision: number;
  private readonly revision: number;
  /** Keys still allowed by the request's limit. */
  private keysLeft: number;
  private chunkKeys: number;
  private count = 0;
  private request: RangeRequest;
  private cursor: RangeCursor | undefined;
  private refused: EtcdError | undefined;

  /** @param chunkBytes the encoded size that chunks aim at: max-request-bytes. */
  static open(
    store: RevisionStore,
    request: RangeRequest,
    chunkBytes: number,
  ): Outcome<RangeStreamCursor> {
    const stream = new RangeStreamCursor(store, request, chunkBytes);
    return stream.refused === undefined ? ok(stream) : failed(stream.refused);
  }

  private constructor(store: RevisionStore, request: RangeRequest, chunkBytes: number) {
    this.store = store;
    this.chunkBytes = chunkBytes;
    this.headerRevision = store.revision;
    this.revision = request.revision > 0 ? request.revision : store.revision;
    // A negative limit is none, and is answered in one chunk.
    this.keysLeft = request.limit > 0 ? request.limit : Number.MAX_SAFE_INTEGER;
    this.chunkKeys = request.limit < 0 ? request.limit : Math.min(firstChunkKeys, this.keysLeft);
    this.request = { ...request, revision: this.revision };
    this.openChunk();
  }

  /**
   * Works on the chunk that is next, as `RangeCursor.advance`; done means that `chunk` may be asked
   * for.
   */
  advance(rowsMax: number, bytesMax: number): Progress {
    if (this.cursor === undefined) return { isDone: true };
    return this.cursor.advance(rowsMax, bytesMax);
  }

  /** The chunk that is done. After the last one, or an error, nothing may follow. */
  chunk(): Outcome<RangeChunk> {
    if (this.refused !== undefined) return failed(this.refused);
    const cursor = mustGet(this.cursor, 'range stream went on after its end');
    const answered = cursor.response();
    if (!answered.ok) return answered;
    const response = answered.value;
    const { kvs, more } = response;
    this.count += kvs.length;
    this.keysLeft -= kvs.length;
    if (!more || this.keysLeft === 0) {
      this.cursor = undefined;
      return ok({ response: this.lastChunk(response, cursor), isLast: true });
    }
    this.goOnAfter(response, cursor);
    return ok({ response: RangeResponse.create({ kvs }), isLast: false });
  }

  private lastChunk({ kvs, more, count }: RangeResponse, cursor: RangeCursor): RangeResponse {
    const header = revisionHeader(this.headerRevision);
    if (this.request.countOnly) return { header, kvs, more: false, count };
    return { header, kvs, more, count: this.count + (more ? this.countAfter(cursor) : 0) };
  }

  private countAfter(cursor: RangeCursor): number {
    const range = keyRangeOf(
      mustGet(cursor.lastKey, 'a cut range has no key'),
      this.request.rangeEnd,
    );
    return this.store.count({ from: keySuccessor(range.from), to: range.to }, this.revision);
  }

  private goOnAfter(response: RangeResponse, cursor: RangeCursor): void {
    // With a target other than the key a chunk is sorted by itself, and etcd goes on after its last
    // key.
    const key = keySuccessor(mustGet(cursor.lastKey, 'a cut range has no key'));
    this.request = { ...this.request, key };
    this.chunkKeys = Math.min(this.nextChunkKeys(response), this.keysLeft);
    this.openChunk();
  }

  /**
   * Outside of half to twice the size aimed at the number of keys doubles or halves; it is never 0.
   */
  private nextChunkKeys(response: RangeResponse): number {
    const sizeBytes = encodedSize(response);
    if (sizeBytes < Math.floor(this.chunkBytes / 2)) return this.chunkKeys * 2;
    if (sizeBytes > this.chunkBytes * 2) return Math.max(Math.floor(this.chunkKeys / 2), 1);
    return this.chunkKeys;
  }

  private openChunk(): void {
    const request = { ...this.request, limit: this.chunkKeys };
    const skipsCount = !this.request.countOnly;
    const opened = RangeCursor.open(this.store, request, { skipsCount });
    if (opened.ok) this.cursor = opened.value;
    else {
      this.cursor = undefined;
      this.refused = opened.error;
    }
  }
}

/** The encoded size of a response, without encoding the key-values once more. */
function encodedSize({ header, kvs, more, count }: RangeResponse): number {
  let sizeBytes = RangeResponse.encode({ header, more, count }).length;
  for (const kv of kvs) sizeBytes += 1 + lengthBytes(kv.length) + kv.length;
  return sizeBytes;
}

function lengthBytes(length: number): number {
  return Math.max(Math.ceil((32 - Math.clz32(length)) / 7), 1);
}
