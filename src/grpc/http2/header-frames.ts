import { emptyBytes, type Bytes } from '../../base/bytes.ts';
import { createHeaderDecoder } from '../hpack/decoder.ts';
import { HpackError } from '../hpack/error.ts';
import type { DecodedHeaders, HeaderDecoder, HeaderList } from '../hpack/types.ts';
import type { ConnectionCore } from './core.ts';
import { emptyFrames, FloodGauge } from './floods.ts';
import type { FrameHead } from './frames.ts';
import { HeaderBlock } from './header-block.ts';
import {
  areTrailers,
  checkRequest,
  checkResponse,
  malformed,
  noLength,
  statusOf,
} from './header-rules.ts';
import { headerTableBytes } from './settings.ts';
import { Stream } from './stream.ts';
import { ErrorCode } from './types.ts';

/** A block may be larger than the list it may mean: it is then decoded, to keep the tables in step, and refused. */
const blockBytesPerListByte = 2;

/** HEADERS and CONTINUATION (RFC 9113, sections 6.2 and 6.10): requests, responses and trailers. */
export class HeaderFrames {
  private readonly core: ConnectionCore;
  private readonly decoder: HeaderDecoder;
  private readonly empty = new FloodGauge(emptyFrames);
  readonly block: HeaderBlock;
  /** The last list that was found to be a well-formed request: most come again, the very same. */
  private lastRequest: HeaderList | undefined;
  private lastLength = noLength;

  constructor(core: ConnectionCore) {
    const listBytesMax = core.limits.headerListBytesMax;
    this.core = core;
    this.decoder = createHeaderDecoder({ tableBytesMax: headerTableBytes, listBytesMax });
    this.block = new HeaderBlock(listBytesMax * blockBytesPerListByte);
  }

  onHeaders(head: FrameHead, bytes: Bytes, start: number, end: number): void {
    const { core, block } = this;
    if (head.streamId === 0) return core.fail(ErrorCode.PROTOCOL_ERROR, 'HEADERS without a stream');
    const wrong = block.begin(head, bytes, start, end);
    if (wrong !== undefined) core.fail(wrong, 'malformed HEADERS');
    else if (!block.isOpen) this.decodeBlock();
  }

  onContinuation(head: FrameHead, bytes: Bytes, start: number, end: number): void {
    const { core, block } = this;
    if (!block.isOpen || head.streamId !== block.streamId) {
      return core.fail(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION without HEADERS');
    }
    if (head.length === 0 && this.empty.isTooMany()) {
      return core.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too many empty frames');
    }
    const wrong = block.proceed(head, bytes, start, end);
    if (wrong !== undefined) core.fail(wrong, 'header block too large');
    else if (!block.isOpen) this.decodeBlock();
  }

  /** Every block is decoded, whatever becomes of it: the tables of both ends must stay in step. */
  private decodeBlock(): void {
    const { core, block } = this;
    let headers: DecodedHeaders;
    try {
      headers = this.decoder.decode(block.bytes, block.start, block.end);
      block.bytes = emptyBytes;
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      return core.fail(ErrorCode.COMPRESSION_ERROR, error.message);
    }
    const stream = core.streams.get(block.streamId);
    if (stream === undefined) this.onAbsent(headers);
    else if (stream.isResetQueued) this.discard(stream);
    else if (stream.isRemoteEnded) core.failStream(stream.id, ErrorCode.STREAM_CLOSED);
    else if (headers.isTooLarge) core.failStream(stream.id, ErrorCode.ENHANCE_YOUR_CALM);
    else if (block.isSelfDependent) core.failStream(stream.id, ErrorCode.PROTOCOL_ERROR);
    else if (stream.hasHeaders) this.onTrailers(stream, headers.fields);
    else this.onResponse(stream, headers.fields);
  }

  private onAbsent(headers: DecodedHeaders): void {
    const { core } = this;
    const { streamId } = this.block;
    if (core.isServer && streamId > core.streams.lastId) {
      if (streamId % 2 === 0) core.fail(ErrorCode.PROTOCOL_ERROR, 'a stream of an even id');
      else if (streamId <= core.servedIdMax) this.onRequest(streamId, headers);
      else this.passOver(streamId);
      return;
    }
    switch (core.streams.absence(streamId)) {
      case 'resetByUs':
        return;
      case 'resetByPeer':
      case 'forgotten':
        return core.failStream(streamId, ErrorCode.STREAM_CLOSED);
      case 'ended':
        return core.fail(ErrorCode.STREAM_CLOSED, 'HEADERS on a closed stream');
      default:
        // Idle on the client, or an id below the last one (section 5.1.1).
        return core.fail(ErrorCode.PROTOCOL_ERROR, 'HEADERS on a stream that cannot be opened');
    }
  }

  /** GOAWAY has told that this one is not served: what belongs to it is ignored, as if we had reset it. */
  private passOver(streamId: number): void {
    this.core.streams.take(streamId);
    this.core.streams.rememberReset(streamId, false);
  }

  private onRequest(streamId: number, headers: DecodedHeaders): void {
    const { core, block } = this;
    const { streams } = core;
    streams.take(streamId);
    if (streams.size >= core.limits.concurrentStreamsMax || core.isOverfull) {
      return core.failStream(streamId, ErrorCode.REFUSED_STREAM);
    }
    if (headers.isTooLarge) return core.failStream(streamId, ErrorCode.ENHANCE_YOUR_CALM);
    const contentLength = this.requestLength(headers.fields);
    const isWrongEnd = block.isEnd && contentLength > 0;
    if (contentLength === malformed || isWrongEnd || block.isSelfDependent) {
      return core.failStream(streamId, ErrorCode.PROTOCOL_ERROR);
    }
    const stream = new Stream(streamId, core, {
      receive: core.receive.streamWindow,
      send: core.peer.initialWindowBytes,
    });
    stream.hasHeaders = true;
    stream.isRemoteEnded = block.isEnd;
    stream.contentLength = contentLength;
    streams.add(stream);
    core.events.onRequest(stream, headers.fields, block.isEnd);
  }

  private requestLength(fields: HeaderList): number {
    if (fields === this.lastRequest) return this.lastLength;
    const length = checkRequest(fields);
    if (length !== malformed) {
      this.lastRequest = fields;
      this.lastLength = length;
    }
    return length;
  }

  private onResponse(stream: Stream, fields: HeaderList): void {
    const { core, block } = this;
    const contentLength = checkResponse(fields);
    const isInterim = statusOf(fields) < 200;
    const isWrongEnd = block.isEnd && (isInterim || contentLength > 0);
    if (contentLength === malformed || isWrongEnd) {
      return core.failStream(stream.id, ErrorCode.PROTOCOL_ERROR);
    }
    // 1xx: the response is still to come (section 8.1).
    if (isInterim) return;
    stream.hasHeaders = true;
    stream.contentLength = contentLength;
    this.deliver(stream, fields);
  }

  private onTrailers(stream: Stream, fields: HeaderList): void {
    const isShort = stream.contentLength !== noLength && stream.bodyBytes !== stream.contentLength;
    if (!this.block.isEnd || isShort || !areTrailers(fields)) {
      return this.core.failStream(stream.id, ErrorCode.PROTOCOL_ERROR);
    }
    this.deliver(stream, fields);
  }

  private deliver(stream: Stream, fields: HeaderList): void {
    const { isEnd } = this.block;
    if (isEnd) stream.isRemoteEnded = true;
    stream.listener.onHeaders(fields, isEnd);
    if (isEnd && stream.isLocalEnded && !stream.isClosed) this.core.endStream(stream);
  }

  /** Of a stream that will be reset as soon as its answer has left. */
  private discard(stream: Stream): void {
    if (this.block.isEnd) stream.isRemoteEnded = true;
  }
}
