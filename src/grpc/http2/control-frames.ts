import {
  copyBytes,
  equalBytes,
  latin1Bytes,
  readUint32,
  textOf,
  type Bytes,
} from '../../base/bytes.ts';
import type { ConnectionCore } from './core.ts';
import {
  FloodGauge,
  ignoredFrames,
  rapidResets,
  settingsFrames,
  smallUpdateBytes,
  smallUpdates,
} from './floods.ts';
import { Flag, FrameType, streamIdMax, windowBytesMax, type FrameHead } from './frames.ts';
import { PingStrikes } from './ping-strikes.ts';
import { errorCodeOf } from './reset-codes.ts';
import { takeSettings } from './settings.ts';
import { ErrorCode } from './types.ts';

/** What our own pings carry, by what they are for. */
const keepAlivePing = latin1Bytes('alive?  ');
const drainPing = latin1Bytes('draining');
const pingBytes = 8;

/** What control frames make known to the connection. */
export interface ControlEvents {
  /** The other end's SETTINGS have come; the first ones, or later ones. */
  onSettings(isFirst: boolean): void;
  onSettingsAck(): void;
  onDrainPingAck(): void;
  onGoAway(lastStreamId: number, code: number, debugText: string): void;
}

/** The frames that carry no part of a message (RFC 9113, sections 6.3 to 6.9). */
export class ControlFrames {
  private readonly core: ConnectionCore;
  private readonly events: ControlEvents;
  private readonly strikes: PingStrikes | undefined;
  private readonly rapidResets = new FloodGauge(rapidResets);
  private readonly ignored = new FloodGauge(ignoredFrames);
  private readonly settings = new FloodGauge(settingsFrames);
  private readonly smallUpdates = new FloodGauge(smallUpdates);
  hasSettings = false;
  private isAcknowledged = false;

  constructor(core: ConnectionCore, events: ControlEvents) {
    const { pingMinTimeMs } = core.limits;
    this.core = core;
    this.events = events;
    this.strikes =
      core.isServer && pingMinTimeMs !== undefined ? new PingStrikes(pingMinTimeMs) : undefined;
  }

  onSettings(head: FrameHead, payload: Bytes): void {
    const { core } = this;
    const isAck = (head.flags & Flag.ACK) !== 0;
    if (head.streamId !== 0) return this.protocolError('SETTINGS on a stream');
    if (!this.hasSettings && isAck) return this.protocolError('acknowledgement before SETTINGS');
    if (isAck) {
      if (head.length !== 0) return this.sizeError('SETTINGS');
      // Ours are sent once.
      if (this.isAcknowledged) return this.onIgnored();
      this.isAcknowledged = true;
      this.events.onSettingsAck();
      return;
    }
    if (head.length % 6 !== 0) return this.sizeError('SETTINGS');
    if (this.settings.isTooMany()) return this.flood('SETTINGS');
    const windowBefore = core.peer.initialWindowBytes;
    const wrong = takeSettings(core, payload, !core.isServer);
    if (wrong !== undefined) return core.fail(wrong, 'a setting out of range');
    const change = core.peer.initialWindowBytes - windowBefore;
    if (change !== 0 && !this.widenAll(change)) {
      return core.fail(ErrorCode.FLOW_CONTROL_ERROR, 'a window larger than 2^31-1');
    }
    const isFirst = !this.hasSettings;
    this.hasSettings = true;
    core.output.frame(0, FrameType.SETTINGS, Flag.ACK, 0);
    core.wantFlush();
    core.countReply();
    if (!core.isOver) this.events.onSettings(isFirst);
  }

  /** Section 6.9.2: a new initial size changes the windows of all streams. */
  private widenAll(change: number): boolean {
    let isAllowed = true;
    this.core.streams.forEach((stream) => {
      if (!this.core.sender.widen(stream, change)) isAllowed = false;
    });
    return isAllowed;
  }

  onWindowUpdate(head: FrameHead, bytes: Bytes, start: number): void {
    const { core } = this;
    const { streamId } = head;
    if (head.length !== 4) return this.sizeError('WINDOW_UPDATE');
    const increment = readUint32(bytes, start) & windowBytesMax;
    if (streamId === 0) {
      if (increment === 0) return this.protocolError('a window update of nothing');
      core.sender.window += increment;
      if (core.sender.window > windowBytesMax) {
        return core.fail(ErrorCode.FLOW_CONTROL_ERROR, 'a window larger than 2^31-1');
      }
    } else {
      const stream = core.streams.get(streamId);
      if (stream === undefined) return this.checkNotIdle(streamId, 'WINDOW_UPDATE');
      if (increment === 0) return core.failStream(streamId, ErrorCode.PROTOCOL_ERROR);
      if (!core.sender.widen(stream, increment)) {
        return core.failStream(streamId, ErrorCode.FLOW_CONTROL_ERROR);
      }
    }
    if (core.sender.hasReady) core.wantFlush();
    // Where nothing waits for a window, an update costs nothing.
    const isCostly = increment < smallUpdateBytes && core.sender.weightBytes > 0;
    if (isCostly && this.smallUpdates.isTooMany()) this.flood('WINDOW_UPDATE');
  }

  onRstStream(head: FrameHead, bytes: Bytes, start: number): void {
    const { core } = this;
    const { streamId } = head;
    if (head.length !== 4) return this.sizeError('RST_STREAM');
    if (streamId === 0) return this.protocolError('RST_STREAM without a stream');
    const stream = core.streams.get(streamId);
    if (stream === undefined) {
      core.streams.noteGivenUp(streamId);
      return this.checkNotIdle(streamId, 'RST_STREAM');
    }
    if (core.isServer && !stream.hasSentHeaders && this.rapidResets.isTooMany()) {
      return this.flood('RST_STREAM');
    }
    const code = errorCodeOf(readUint32(bytes, start));
    core.streams.rememberReset(streamId, true);
    core.breakStream(stream, code, code === ErrorCode.REFUSED_STREAM && !stream.hasHeaders);
  }

  /** Priorities mean nothing any more (section 5.3), but must be well-formed. */
  onPriority(head: FrameHead, bytes: Bytes, start: number): void {
    const { core } = this;
    const { streamId } = head;
    if (streamId === 0) return this.protocolError('PRIORITY without a stream');
    const isSelf = head.length === 5 && (readUint32(bytes, start) & streamIdMax) === streamId;
    if (head.length !== 5 || isSelf) {
      const code = isSelf ? ErrorCode.PROTOCOL_ERROR : ErrorCode.FRAME_SIZE_ERROR;
      // RST_STREAM may be sent for a stream only that has been opened.
      if (core.streams.get(streamId) !== undefined) core.failStream(streamId, code);
      else core.fail(code, 'malformed PRIORITY');
      return;
    }
    this.onIgnored();
  }

  /** A frame that means nothing to us (section 4.1). */
  onIgnored(): void {
    if (this.ignored.isTooMany()) this.flood('frames that are ignored');
  }

  onPing(head: FrameHead, bytes: Bytes, start: number): void {
    const { core } = this;
    if (head.streamId !== 0) return this.protocolError('PING on a stream');
    if (head.length !== pingBytes) return this.sizeError('PING');
    if ((head.flags & Flag.ACK) !== 0) {
      const isDrain = equalBytes(bytes.subarray(start, start + pingBytes), drainPing);
      if (isDrain) this.events.onDrainPingAck();
      return this.onIgnored();
    }
    core.output.frame(pingBytes, FrameType.PING, Flag.ACK, 0);
    core.output.copy(bytes, start, start + pingBytes);
    core.wantFlush();
    core.countReply();
    if (this.strikes === undefined) return;
    const isTooMany = this.strikes.isTooMany(
      performance.now(),
      core.sender.hasSent,
      core.streams.size,
    );
    core.sender.hasSent = false;
    // The very words that grpc-go's clients know.
    if (isTooMany) core.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too_many_pings');
  }

  ping(purpose: 'keepAlive' | 'drain'): void {
    const { core } = this;
    core.output.frame(pingBytes, FrameType.PING, 0, 0);
    core.output.copy(purpose === 'drain' ? drainPing : keepAlivePing, 0, pingBytes);
    core.wantFlush();
  }

  onGoAway(head: FrameHead, payload: Bytes): void {
    if (head.streamId !== 0) return this.protocolError('GOAWAY on a stream');
    if (head.length < 8) return this.sizeError('GOAWAY');
    this.onIgnored();
    const lastStreamId = readUint32(payload, 0) & streamIdMax;
    const debugText = textOf(copyBytes(payload.subarray(8)));
    this.events.onGoAway(lastStreamId, readUint32(payload, 4), debugText);
  }

  /** WINDOW_UPDATE and RST_STREAM may cross a stream's end, but not come before its start (section 5.1). */
  private checkNotIdle(streamId: number, what: string): void {
    if (this.core.streams.isIdle(streamId)) this.protocolError(`${what} on an idle stream`);
  }

  private protocolError(reason: string): void {
    this.core.fail(ErrorCode.PROTOCOL_ERROR, reason);
  }

  private sizeError(frame: string): void {
    this.core.fail(ErrorCode.FRAME_SIZE_ERROR, `${frame} of a wrong size`);
  }

  private flood(what: string): void {
    this.core.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many ${what}`);
  }
}
