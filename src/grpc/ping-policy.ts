import { constants, type ServerHttp2Session } from 'node:http2';

/**
 * Connections that ping too often are told to calm down, as grpc-go does (grpc proposal A8; grpc-go
 * internal/transport/http2_server.go, handlePing): three pings too early, counted between answers, are too many.
 */

const strikesMax = 2;
/** How far apart pings must be on a connection that has no call. */
const idlePingMinMs = 2 * 60 * 60 * 1000;
/** A PING frame and its header: what the answers to pings alone add to a socket. */
const pingAckBytes = 17;

export function enforcePingPolicy(
  session: ServerHttp2Session,
  minTimeMs: number,
  countCalls: () => number,
): void {
  let strikes = 0;
  let lastPingMs = Number.NEGATIVE_INFINITY;
  let writtenBytes = session.socket.bytesWritten;
  session.on('ping', () => {
    const nowMs = performance.now();
    const sentBytes = session.socket.bytesWritten - writtenBytes;
    const sinceMs = nowMs - lastPingMs;
    writtenBytes += sentBytes;
    lastPingMs = nowMs;
    // Pings are for a silent connection: one that has been sent something meanwhile starts afresh.
    if (sentBytes > pingAckBytes) strikes = 0;
    else if (sinceMs < (countCalls() > 0 ? minTimeMs : idlePingMinMs)) strikes++;
    if (strikes > strikesMax) dismiss(session);
  });
}

function dismiss(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0x7fff_ffff, Buffer.from('too_many_pings'));
  // The frame leaves in this turn; destroying at once would take it back.
  setImmediate(() => session.destroy());
}
