import type { Bytes } from '../base/bytes.ts';
import type { MemberId, Message, SnapshotMeta } from '../raft/types.ts';

/** The links between members, as layer 4 sees them. Delivery is best effort, in order per kind of message. */

export interface PeerIdentity {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly incarnation: bigint;
}

export interface PeerAddress {
  readonly memberId: MemberId;
  readonly peerUrls: readonly string[];
  /** As the member's record says; undefined until the member has published it. */
  readonly incarnation: bigint | undefined;
}

export interface Transport {
  /** Sends, or drops with `unreachable` when there is no link or its queue is full. Never blocks. */
  send(messages: readonly Message[]): void;
  /** Streams a store image; ends with `snapshotSent`. One at a time per member; `source` is closed by it. */
  sendSnapshot(message: Message & { readonly type: 'MsgSnap' }, source: SnapshotSource): void;
  setPeers(peers: readonly PeerAddress[]): void;
  /** Members heard from within the last `withinMs`. */
  activePeers(withinMs: number): ReadonlySet<MemberId>;
  close(done: () => void): void;
}

export interface SnapshotSource {
  read(bytesMax: number, next: (chunk: Bytes | undefined) => void): void;
  close(): void;
}

/** What the transport calls. All calls come at the start of a turn of the event loop, never re-entrantly. */
export interface TransportEvents {
  received(messages: readonly Message[]): void;
  unreachable(memberId: MemberId): void;
  snapshotSent(memberId: MemberId, isDelivered: boolean): void;
  /** A snapshot begins to arrive: answers where its chunks go, or a reason to refuse it. */
  snapshotOffered(from: MemberId, snapshot: SnapshotMeta, term: number): SnapshotSink | string;
  /**
   * A link was refused, by the peer or because the peer is not whom it should be. `isFinal`: this member must
   * stop, for its data dir is not the one that the cluster's records name.
   */
  refused(memberId: MemberId, reason: string, isFinal: boolean): void;
}

export interface SnapshotSink {
  write(chunk: Bytes, done: () => void): void;
  /** All chunks are in; `done` acknowledges to the sender. */
  end(done: (refused: string | undefined) => void): void;
  abort(): void;
}
