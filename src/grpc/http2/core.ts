import type { HeaderEncoder } from '../hpack/types.ts';
import type { FloodGauge } from './floods.ts';
import type { ReceiveWindows } from './flow-control.ts';
import type { Output } from './output.ts';
import type { Sender } from './sender.ts';
import type { PeerSettings } from './settings.ts';
import type { StreamTable } from './stream-table.ts';
import type { Stream, StreamOwner } from './stream.ts';
import type { ErrorCode, Http2ConnectionEvents, Http2Limits } from './types.ts';

/** A connection as the parts see it that deal with its frames: what they share, and what they may have it do. */
export interface ConnectionCore extends StreamOwner {
  readonly isServer: boolean;
  readonly limits: Http2Limits;
  readonly events: Http2ConnectionEvents;
  readonly peer: PeerSettings;
  readonly encoder: HeaderEncoder;
  readonly output: Output;
  readonly sender: Sender;
  readonly receive: ReceiveWindows;
  readonly streams: StreamTable;
  readonly provoked: FloodGauge;
  /** Everything has been said: nothing that comes is looked at any more. */
  readonly isOver: boolean;
  /** Streams of higher ids are not served any more: GOAWAY has said so. */
  readonly servedIdMax: number;

  /** Server: so much waits to be sent that no more requests are taken. */
  readonly isOverfull: boolean;

  /** What was put into the output leaves at the end of the turn. */
  wantFlush(): void;
  /** The other end broke the rules of the connection, or floods it (RFC 9113, section 5.4.1). */
  fail(code: ErrorCode, reason: string): void;
  /** It broke the rules of one stream, open or not (section 5.4.2). */
  failStream(streamId: number, code: ErrorCode): void;
  /** A stream is over: it is forgotten, and its owner told at the end of the turn. */
  endStream(stream: Stream): void;
  /** Like `endStream`, before both sides were through: its owner is told why. */
  breakStream(stream: Stream, code: ErrorCode, isUnprocessed: boolean): void;
  /** Counts an answer that the other end made us give: too many that it does not read are a flood. */
  countReply(): void;
}
