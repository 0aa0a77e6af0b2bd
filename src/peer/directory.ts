import type { Clock } from '../base/clock.ts';
import type { MemberId } from '../raft/types.ts';
import type { PeerAddress } from './types.ts';

/** Members known by their own word only; with more of them the oldest is forgotten. */
const introducedMax = 32;

/** What a hello is judged by. */
export interface KnownPeers {
  get(id: MemberId): PeerAddress | undefined;
  /** It was removed for good, and has had the time to hear of it. */
  isRemoved(id: MemberId): boolean;
}

/**
 * Whom this member talks with: those of its record, and those that have introduced themselves. A member that is
 * behind may know none of those that lead now, and could never catch up without (etcd's "remotes",
 * server/etcdserver/api/rafthttp).
 */
export class PeerDirectory implements KnownPeers {
  private readonly self: MemberId;
  private readonly clock: Clock;
  private readonly removalGraceMs: number;
  private recorded: ReadonlyMap<MemberId, PeerAddress> = new Map();
  private removed: ReadonlySet<MemberId> = new Set();
  private readonly introduced = new Map<MemberId, PeerAddress>();
  private readonly leaving = new Map<
    MemberId,
    { readonly peer: PeerAddress; readonly untilMs: number }
  >();
  private own: readonly string[] = [];

  constructor(self: MemberId, clock: Clock, removalGraceMs: number) {
    this.self = self;
    this.clock = clock;
    this.removalGraceMs = removalGraceMs;
  }

  /** Where this member's record says that it is reached; empty until it has one. */
  get ownPeerUrls(): readonly string[] {
    return this.own;
  }

  /** The other members of the record. */
  get members(): Iterable<PeerAddress> {
    return this.recorded.values();
  }

  /** All members of the record, this one included, and the ids that were. */
  set(peers: readonly PeerAddress[], removed: ReadonlySet<MemberId>): void {
    const before = this.recorded;
    const untilMs = this.clock.nowMs() + this.removalGraceMs;
    const others = peers.filter(({ memberId }) => memberId !== this.self);
    this.recorded = new Map(others.map((peer) => [peer.memberId, peer]));
    this.removed = removed;
    this.own = peers.find(({ memberId }) => memberId === this.self)?.peerUrls ?? this.own;
    for (const [id, peer] of before) {
      if (this.recorded.has(id)) continue;
      if (removed.has(id)) this.leaving.set(id, { peer, untilMs });
      // Removed, but with a say until a joint configuration is left.
      else this.introduce(peer);
    }
    for (const [id, peer] of this.introduced) {
      if (removed.has(id)) this.leaving.set(id, { peer, untilMs });
      if (this.recorded.has(id) || removed.has(id)) this.introduced.delete(id);
    }
  }

  /** A member that the record does not name says where it is. */
  introduce(peer: PeerAddress): void {
    if (peer.memberId === this.self) return;
    this.introduced.delete(peer.memberId);
    this.introduced.set(peer.memberId, peer);
    const oldest = this.introduced.keys().next();
    if (this.introduced.size > introducedMax && oldest.done !== true) {
      this.introduced.delete(oldest.value);
    }
  }

  get(id: MemberId): PeerAddress | undefined {
    return this.recorded.get(id) ?? this.introduced.get(id) ?? this.leavingPeer(id);
  }

  isRemoved(id: MemberId): boolean {
    return this.removed.has(id) && this.leavingPeer(id) === undefined;
  }

  /** It was removed, and is in its grace. */
  isLeaving(id: MemberId): boolean {
    return this.leavingPeer(id) !== undefined;
  }

  private leavingPeer(id: MemberId): PeerAddress | undefined {
    const leaving = this.leaving.get(id);
    if (leaving === undefined) return undefined;
    if (this.clock.nowMs() < leaving.untilMs) return leaving.peer;
    this.leaving.delete(id);
    return undefined;
  }
}
