import type { Bytes } from '../base/bytes.ts';
import type { MemberId, Message, SnapshotMeta } from '../raft/types.ts';
import type { Outcome } from '../wire/errors.ts';

/** The links between members, as layer 4 sees them. Delivery is best effort, in order per kind of message. */

export interface PeerIdentity {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly incarnation: bigint;
  /** `encodeLineage` of the forced starts and restores behind this member's data; left out: there were none. */
  readonly lineage?: Bytes;
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
  /**
   * All members, this one included, whose URLs it tells others, and the ids of those that were removed: they are
   * let go after a moment, and refused for good from then on.
   */
  setPeers(peers: readonly PeerAddress[], removed?: ReadonlySet<MemberId>): void;
  /** Members to whom the link stands now. */
  connectedPeers(): ReadonlySet<MemberId>;
  /** Members heard from within the last `withinMs`. */
  activePeers(withinMs: number): ReadonlySet<MemberId>;
  /**
   * Asks another member, once. `done` is called once, in a later turn: with `errors.timeout` when no answer came in
   * time, with `errors.timeoutConnectionLost` when there is no link or it broke (the question may have been heard
   * all the same).
   */
  ask(
    to: MemberId,
    question: Question,
    timeoutMs: number,
    done: (answer: Outcome<Answer>) => void,
  ): void;
  close(done: () => void): void;
}

/** What is left of a lease, in seconds; `remaining` is never negative. */
export interface LeaseTimes {
  readonly granted: number;
  readonly remaining: number;
}

/** What one member asks of another outside of Raft. */
export type Question =
  /** To the leader. */
  | { readonly type: 'renewLease'; readonly id: bigint }
  /** To the leader. */
  | { readonly type: 'leaseTimeToLive'; readonly id: bigint }
  /** To the leader, who knows how far the learner has come. */
  | { readonly type: 'promoteMember'; readonly id: MemberId }
  | { readonly type: 'hashKv'; readonly revision: number };

export type Answer =
  /** Seconds; 0 when there is no such lease. */
  | { readonly type: 'renewLease'; readonly ttl: number }
  | { readonly type: 'leaseTimeToLive'; readonly times: LeaseTimes | undefined }
  | { readonly type: 'promoteMember' }
  | {
      readonly type: 'hashKv';
      readonly hash: number;
      readonly revision: number;
      readonly compactRevision: number;
      /** The newest revision of the member that answers. */
      readonly currentRevision: number;
    };

export interface SnapshotSource {
  read(bytesMax: number, next: (chunk: Bytes | undefined) => void): void;
  close(): void;
}

/** What the transport calls. All calls come at the start of a turn of the event loop, never re-entrantly. */
export interface TransportEvents {
  received(messages: readonly Message[]): void;
  unreachable(memberId: MemberId): void;
  /**
   * A hint that the process of a member has ended: links with it stood, none does any more, and nothing listens where
   * it was reached. A machine that is cut off or has lost its power does not show it.
   */
  gone(memberId: MemberId): void;
  /** Another member asks; `answer` may be called later, once. */
  asked(from: MemberId, question: Question, answer: (outcome: Outcome<Answer>) => void): void;
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
