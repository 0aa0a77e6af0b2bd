import { utf8 } from '../../base/bytes.ts';
import type { ConnectionCore } from './core.ts';
import { FrameType, streamIdMax } from './frames.ts';
import { describeErrorCode } from './reset-codes.ts';
import { ErrorCode } from './types.ts';

/** Debug texts longer than this are cut. */
const debugBytesMax = 256;

/** GOAWAY in both directions (RFC 9113, section 6.8): which streams are still served, and when all of them are. */
export class GoAways {
  private readonly core: ConnectionCore;
  /** No stream can be opened any more. */
  isDraining = false;
  /** One side has told which stream is the last: when none is left, the connection has no further use. */
  isLastTold = false;
  /** The highest id that a server still serves. */
  servedIdMax = Number.POSITIVE_INFINITY;
  /** What the other end has said. */
  received: string | undefined;

  constructor(core: ConnectionCore) {
    this.core = core;
  }

  /** The first half of a server's graceful end: it says that it will go, and refuses nothing yet. */
  announce(): void {
    this.isDraining = true;
    this.send(streamIdMax, ErrorCode.NO_ERROR, '');
  }

  /** The second half: every stream that the other end had opened by now is served, and no other. */
  tellLast(): void {
    if (this.isLastTold) return;
    this.isDraining = true;
    this.isLastTold = true;
    this.servedIdMax = this.lastServedId();
    this.send(this.servedIdMax, ErrorCode.NO_ERROR, '');
  }

  /** The connection ends at once. */
  tell(code: ErrorCode, debugText: string): void {
    this.send(this.lastServedId(), code, debugText);
  }

  /** On a client: streams above the last one were not looked at, the others go on. */
  receive(lastStreamId: number, code: number, debugText: string): void {
    const { core } = this;
    const wasDraining = this.isDraining;
    this.isDraining = true;
    this.isLastTold = true;
    const text = debugText === '' ? '' : `: ${debugText.slice(0, debugBytesMax)}`;
    this.received = `the other end sent GOAWAY ${describeErrorCode(code)}${text}`;
    for (const stream of core.streams.all()) {
      if (stream.id > lastStreamId) core.breakStream(stream, ErrorCode.REFUSED_STREAM, true);
    }
    if (!wasDraining) core.events.onDraining();
    core.wantFlush();
  }

  /** What is told never rises again. Servers open no streams, so a client tells 0. */
  private lastServedId(): number {
    const { core } = this;
    return core.isServer ? Math.max(0, Math.min(core.streams.lastId, this.servedIdMax)) : 0;
  }

  private send(lastStreamId: number, code: ErrorCode, debugText: string): void {
    const { output } = this.core;
    const debug = utf8(debugText).subarray(0, debugBytesMax);
    output.frame(8 + debug.length, FrameType.GOAWAY, 0, 0);
    output.uint32(lastStreamId);
    output.uint32(code);
    output.copy(debug, 0, debug.length);
    this.core.wantFlush();
  }
}
