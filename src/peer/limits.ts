import type { GrpcServerLimits } from '../grpc/types.ts';
import type { ListenerLimits } from '../grpc/listener.ts';

/** The limits of the links between members. Each is large enough for a healthy link never to meet it. */
export interface PeerLimits {
  /** What may wait for one lane of a link; beyond it messages are dropped, and Raft asks again. */
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
  /** Messages that leave together are joined into frames of about this size. */
  readonly frameBytes: number;
  readonly handshakeTimeoutMs: number;
  /**
   * How long a member that was removed is still talked with: it may be the leader, who leads on until the others
   * know of it (raft/leaving.ts), or have to hear of its removal.
   */
  readonly removalGraceMs: number;
  /** Pauses between attempts to connect: the first, and the longest. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly pingIntervalMs: number;
  /** A link whose ping has gone unanswered for so long is taken down: the other side may be gone in silence. */
  readonly controlPongTimeoutMs: number;
  /** Longer, for a ping waits here behind what is large. */
  readonly bulkPongTimeoutMs: number;
  readonly snapshotChunkBytes: number;
  /** Chunks of a snapshot that may be under way before the first is reported as written. */
  readonly snapshotWindowChunks: number;
  /** A snapshot stream on which nothing moves for this long has failed. */
  readonly snapshotStallMs: number;
  /** How often a receiver that is putting an image in place gives a sign of life. */
  readonly snapshotKeepAliveMs: number;
}

export const defaultPeerLimits: PeerLimits = {
  queueMessagesMax: 4096,
  // More than all the proposals a member keeps (server/proposals.ts): none is dropped behind a slow link.
  queueBytesMax: 160 * 1024 * 1024,
  frameBytes: 1024 * 1024,
  handshakeTimeoutMs: 5_000,
  removalGraceMs: 3_000,
  reconnectMinMs: 100,
  reconnectMaxMs: 2_000,
  pingIntervalMs: 2_000,
  controlPongTimeoutMs: 5_000,
  bulkPongTimeoutMs: 30_000,
  snapshotChunkBytes: 256 * 1024,
  snapshotWindowChunks: 4,
  snapshotStallMs: 30_000,
  snapshotKeepAliveMs: 5_000,
};

/** How much one member may send ahead of another that reads slowly, per connection. */
export const peerWindowBytes = 4 * 1024 * 1024;

/** What the peer port allows. `requestBytesMax` is the client port's: a frame holds at least one such request. */
export function peerServerLimits(requestBytesMax: number): GrpcServerLimits {
  return {
    requestBytesMax: Math.min(2 ** 31 - 1, 64 * 1024 * 1024 + 4 * requestBytesMax),
    concurrentStreamsMax: 16,
    keepAliveMinTimeMs: 1_000,
    keepAliveIntervalMs: 10_000,
    keepAliveTimeoutMs: 10_000,
  };
}

/** Connections of the peer port: three from each member at most, and some room for probes. */
export const peerListenerLimits: Partial<ListenerLimits> = {
  connectionsMax: 512,
  sniffTimeoutMs: 5_000,
  headersTimeoutMs: 5_000,
};
