/**
 * What an endpoint can make the other one do at little cost to itself, and how much of it is too much. Each limit is a
 * bucket: it takes `burst` at once and empties by `perSecond`; one that runs over ends the connection with
 * ENHANCE_YOUR_CALM. Honest clients stay far below.
 */

export interface FloodLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Streams that the other end resets before anything was answered (CVE-2023-44487, "rapid reset"). A Go client that
 * cancels a thousand calls at once is within it.
 */
export const rapidResets: FloodLimit = { burst: 2000, perSecond: 200 };

/** Streams that the other end makes us reset by what it sends (CVE-2025-8671, "MadeYouReset"), REFUSED_STREAM too. */
export const provokedResets: FloodLimit = { burst: 2000, perSecond: 200 };

/**
 * DATA without bytes or end, padded or not, and CONTINUATION without bytes: frames that mean nothing (CVE-2019-9518).
 */
export const emptyFrames: FloodLimit = { burst: 1000, perSecond: 100 };

/**
 * PRIORITY and frames of unknown types (CVE-2019-9513), acknowledgements that nobody waits for, GOAWAY: read and, as a
 * rule, passed over.
 */
export const ignoredFrames: FloodLimit = { burst: 2000, perSecond: 200 };

/** SETTINGS (CVE-2019-9515): each may make us go through all streams. */
export const settingsFrames: FloodLimit = { burst: 200, perSecond: 20 };

/**
 * WINDOW_UPDATE of less than `smallUpdateBytes` while something waits for a window (CVE-2019-9511): each may cost us a
 * frame as small.
 */
export const smallUpdates: FloodLimit = { burst: 20_000, perSecond: 2000 };
export const smallUpdateBytes = 128;

/**
 * Answers to PING and SETTINGS, and RST_STREAM, that wait in the socket because the other end does not read
 * (CVE-2019-9512).
 */
export const unreadRepliesMax = 10_000;

/** Frames of one header block (CVE-2024-27316); its bytes are limited too. */
export const continuationsMax = 128;

/** How full one bucket is. */
export class FloodGauge {
  private readonly limit: FloodLimit;
  private level = 0;
  private atMs = 0;

  constructor(limit: FloodLimit) {
    this.limit = limit;
  }

  /** Counts one more. True: that is too many. */
  isTooMany(): boolean {
    const nowMs = performance.now();
    const emptied = ((nowMs - this.atMs) * this.limit.perSecond) / 1000;
    this.level = Math.max(0, this.level - emptied) + 1;
    this.atMs = nowMs;
    return this.level > this.limit.burst;
  }
}
