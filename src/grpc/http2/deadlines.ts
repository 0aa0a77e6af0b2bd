import { ErrorCode } from './types.ts';

/** How long the other end may take for what it must do. */
export interface Http2Timeouts {
  /** The preface and the first SETTINGS. */
  readonly settingsMs: number;
  /** The acknowledgement of our SETTINGS (RFC 9113, section 6.5.3). */
  readonly settingsAckMs: number;
  /** A header block, or any frame that is no DATA, that has begun: until it is whole. */
  readonly headerBlockMs: number;
  /** The answer to the ping that a graceful end waits for. */
  readonly drainMs: number;
  /** A connection that was told to go: until it is broken. */
  readonly lingerMs: number;
}

export const defaultTimeouts: Http2Timeouts = {
  settingsMs: 10_000,
  settingsAckMs: 10_000,
  headerBlockMs: 10_000,
  drainMs: 5_000,
  lingerMs: 1_000,
};

export type Wait = keyof Http2Timeouts;

/** What ends the connection when it does not come. */
export const failures = {
  settingsMs: { code: ErrorCode.PROTOCOL_ERROR, reason: 'no SETTINGS in time' },
  settingsAckMs: { code: ErrorCode.SETTINGS_TIMEOUT, reason: 'SETTINGS are not acknowledged' },
  headerBlockMs: {
    code: ErrorCode.PROTOCOL_ERROR,
    reason: 'a frame or header block that does not end',
  },
} as const;

/** What one connection waits for. Looked at by the clock that all connections share. */
export class Deadlines {
  private readonly timeouts: Http2Timeouts;
  private readonly untilMs = new Map<Wait, number>();
  /** None of them expires before. */
  private earliestMs = Number.POSITIVE_INFINITY;
  private blockOrdinal = 0;

  constructor(timeouts: Http2Timeouts) {
    this.timeouts = timeouts;
  }

  start(wait: Wait): void {
    const untilMs = performance.now() + this.timeouts[wait];
    this.untilMs.set(wait, untilMs);
    this.earliestMs = Math.min(this.earliestMs, untilMs);
  }

  /** Nothing else is waited for any more. */
  startLast(wait: Wait): void {
    this.untilMs.clear();
    this.start(wait);
  }

  stop(wait: Wait): void {
    this.untilMs.delete(wait);
  }

  /** Which header block or frame is coming in, or 0: seen twice in a row it is the same one, whose time has begun. */
  watchBlock(ordinal: number): void {
    if (ordinal === this.blockOrdinal) return;
    this.blockOrdinal = ordinal;
    if (ordinal === 0) this.stop('headerBlockMs');
    else this.start('headerBlockMs');
  }

  /** What has not come in time. */
  expired(nowMs: number): Wait | undefined {
    if (nowMs < this.earliestMs) return undefined;
    this.earliestMs = Number.POSITIVE_INFINITY;
    for (const [wait, untilMs] of this.untilMs) {
      this.earliestMs = Math.min(this.earliestMs, untilMs);
      if (nowMs >= untilMs) return wait;
    }
    return undefined;
  }
}
