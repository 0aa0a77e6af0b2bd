import type { Bytes } from '../base/bytes.ts';
import type { MessageSource } from '../grpc/types.ts';
import type { LargeRange, Member, RangeToSend } from '../server/types.ts';
import { messageTooLargeToSend } from '../wire/errors.ts';
import { RangeResponse } from '../wire/kv.ts';
import { kvsTag } from '../wire/kvs-writer.ts';
import { varintBytes, writeVarint } from '../wire/varint.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeader } from './header.ts';

/** What etcd's server sends at most (server/etcdserver/api/v3rpc/grpc.go, maxSendBytes). */
export const sendBytesMax = 2 ** 31 - 1;

type Page = Extract<RangeToSend, { readonly type: 'page' }>;

/** Answers with a range that is encoded but for what only the answering member knows. */
export function answerPage(member: Member, exchange: UnaryExchange, { answer, kvs }: Page): void {
  exchange.respond(kvs.finish({ ...answer, header: fillHeader(member, answer.header) }));
}

/** Answers with a range that is made while it is sent, once its size is known. */
export function answerLargeRange(
  member: Member,
  exchange: UnaryExchange,
  large: LargeRange,
  bytesMax = sendBytesMax,
): void {
  const source = new RangeSource(member, large);
  if (source.totalBytes > bytesMax) {
    source.close();
    exchange.fail(messageTooLargeToSend(source.totalBytes, bytesMax));
  } else exchange.respondFrom(source);
}

/** An encoded RangeResponse in pieces; its fields come in the order of their numbers, as in every encoder. */
class RangeSource implements MessageSource {
  readonly totalBytes: number;
  private readonly large: LargeRange;
  /** The header, until it is sent. */
  private head: Bytes;
  /** What follows the `kvs`. */
  private readonly tail: Bytes;
  private kvsBytesLeft: number;

  constructor(member: Member, large: LargeRange) {
    const { header, more, count } = large.rest;
    this.large = large;
    this.head = RangeResponse.encode({ header: fillHeader(member, header) });
    this.tail = RangeResponse.encode({ more, count });
    this.kvsBytesLeft = large.kvsBytes;
    this.totalBytes = this.head.length + large.kvsBytes + this.tail.length;
  }

  next(): Bytes | undefined {
    const kvs = this.large.next();
    if (kvs === undefined) return undefined;
    let kvsBytes = 0;
    for (const { length } of kvs) kvsBytes += 1 + varintBytes(length) + length;
    this.kvsBytesLeft -= kvsBytes;
    const isLast = this.kvsBytesLeft === 0;
    const piece = new Uint8Array(this.head.length + kvsBytes + (isLast ? this.tail.length : 0));
    piece.set(this.head);
    let offset = this.head.length;
    this.head = this.head.subarray(0, 0);
    for (const kv of kvs) {
      piece[offset] = kvsTag;
      offset = writeVarint(piece, offset + 1, kv.length);
      piece.set(kv, offset);
      offset += kv.length;
    }
    if (isLast) piece.set(this.tail, offset);
    return piece;
  }

  close(): void {
    this.large.close();
  }
}
