/**
 * Callers that ping too often are told to calm down, as grpc-go does (grpc proposal A8; grpc-go
 * internal/transport/http2_server.go, handlePing).
 */

const strikesMax = 2;
/** How far apart pings must be on a connection that has no stream. */
const idlePingMinMs = 2 * 60 * 60 * 1000;

export class PingStrikes {
  private readonly minTimeMs: number;
  private strikes = 0;
  private lastPingMs = Number.NEGATIVE_INFINITY;

  constructor(minTimeMs: number) {
    this.minTimeMs = minTimeMs;
  }

  /** A ping has come. `hasSent`: headers or data went out since the one before. True: that is too many. */
  isTooMany(nowMs: number, hasSent: boolean, openStreams: number): boolean {
    const sinceMs = nowMs - this.lastPingMs;
    this.lastPingMs = nowMs;
    // Pings are for a silent connection: one that has been sent something meanwhile starts afresh.
    if (hasSent) this.strikes = 0;
    else if (sinceMs < (openStreams > 0 ? this.minTimeMs : idlePingMinMs)) this.strikes++;
    return this.strikes > strikesMax;
  }
}
