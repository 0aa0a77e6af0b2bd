import type { Bytes } from '../../base/bytes.ts';
import type { ConnectionCore } from './core.ts';
import { emptyFrames, FloodGauge } from './floods.ts';
import { Flag, type FrameHead } from './frames.ts';
import { noLength } from './header-rules.ts';
import type { Stream } from './stream.ts';
import { ErrorCode } from './types.ts';

/** DATA (RFC 9113, section 6.1): counted against the windows, and handed to the stream piece by piece. */
export class DataFrames {
  private readonly core: ConnectionCore;
  private readonly empty = new FloodGauge(emptyFrames);
  /** Whose frame is being read; undefined when it is for nobody. */
  private stream: Stream | undefined;
  private isEnd = false;
  /** Of its body, padding left out. */
  private bodyBytes = 0;

  constructor(core: ConnectionCore) {
    this.core = core;
  }

  begin({ streamId, length, flags }: FrameHead): void {
    const { core } = this;
    this.stream = undefined;
    this.bodyBytes = 0;
    this.isEnd = (flags & Flag.END_STREAM) !== 0;
    if (streamId === 0) return core.fail(ErrorCode.PROTOCOL_ERROR, 'DATA without a stream');
    if (!core.receive.take(length)) {
      return core.fail(ErrorCode.FLOW_CONTROL_ERROR, 'more than the window of the connection');
    }
    const stream = core.streams.get(streamId);
    if (stream === undefined) return this.refuse(streamId);
    if (stream.isRemoteEnded) return core.failStream(streamId, ErrorCode.STREAM_CLOSED);
    if (!stream.hasHeaders) return core.failStream(streamId, ErrorCode.PROTOCOL_ERROR);
    stream.receiveWindow -= length;
    // A window below zero allows no bytes, and an end without any (section 6.9.1).
    if (length > 0 && stream.receiveWindow < 0) {
      return core.failStream(streamId, ErrorCode.FLOW_CONTROL_ERROR);
    }
    this.stream = stream;
  }

  piece(piece: Bytes, isFrameEnd: boolean): void {
    const { core, stream } = this;
    const { length } = piece;
    this.bodyBytes += length;
    // However much padding came with it.
    const isEmpty = isFrameEnd && this.bodyBytes === 0 && !this.isEnd;
    if (isEmpty && this.empty.isTooMany()) {
      return core.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too many empty frames');
    }
    if (stream === undefined || stream.isClosed || stream.isResetQueued) {
      this.discard(length);
      if (isFrameEnd && this.isEnd && stream !== undefined && !stream.isClosed)
        this.endRemote(stream);
      return;
    }
    const isEnd = isFrameEnd && this.isEnd;
    stream.bodyBytes += length;
    if (stream.contentLength !== noLength && !isLengthKept(stream, isEnd)) {
      // Section 8.1.1: more or less than what was promised is malformed.
      core.receive.giveBack(length);
      return core.failStream(stream.id, ErrorCode.PROTOCOL_ERROR);
    }
    if (length === 0 && !isEnd) return;
    stream.heldBytes += length;
    if (isEnd) stream.isRemoteEnded = true;
    stream.listener.onData(piece, isEnd);
    if (isEnd && stream.isLocalEnded && !stream.isClosed) core.endStream(stream);
  }

  /** Padding is given back at once: nobody else will. */
  padding(bytes: number): void {
    const { stream } = this;
    if (stream === undefined || stream.isClosed) this.discard(bytes);
    else {
      this.core.receive.giveBackOf(stream, bytes);
      if (this.core.receive.isDue) this.core.wantFlush();
    }
  }

  private discard(bytes: number): void {
    this.core.receive.giveBack(bytes);
    if (this.core.receive.isDue) this.core.wantFlush();
  }

  private endRemote(stream: Stream): void {
    stream.isRemoteEnded = true;
    if (stream.isLocalEnded) this.core.endStream(stream);
  }

  /** DATA for a stream that is not open (section 5.1). */
  private refuse(streamId: number): void {
    const { core } = this;
    switch (core.streams.absence(streamId)) {
      case 'resetByUs':
        // It was under way.
        return;
      case 'resetByPeer':
      case 'forgotten':
        return core.failStream(streamId, ErrorCode.STREAM_CLOSED);
      case 'idle':
        return core.fail(ErrorCode.PROTOCOL_ERROR, 'DATA on an idle stream');
      default:
        return core.fail(ErrorCode.STREAM_CLOSED, 'DATA on a closed stream');
    }
  }
}

function isLengthKept(stream: Stream, isEnd: boolean): boolean {
  return isEnd
    ? stream.bodyBytes === stream.contentLength
    : stream.bodyBytes <= stream.contentLength;
}
