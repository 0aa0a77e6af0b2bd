import type { MemberId } from './types.ts';

/** A read that waits for its index: asked here (`from` is this member) or by a follower. */
export interface PendingRead {
  readonly from: MemberId;
  readonly context: number;
}

/** One ReadIndex round: the reads it will confirm and the commit index when it began (section 6.4). */
export interface ReadRound {
  readonly sequence: number;
  readonly index: number;
  readonly reads: readonly PendingRead[];
}

/** A read forwarded to the leader. */
export interface ForwardedRead {
  readonly context: number;
  readonly sentAtTick: number;
}

/** The reads of one member. read-only.ts moves them along. */
export class ReadOnly {
  /** With the term it makes a round's token. Never reused, not even after leadership was lost (etcd #20418). */
  sequence = 0;
  /** Of a leader: at most one round is in flight, */
  round: ReadRound | undefined = undefined;
  /** and one gathers what comes meanwhile. */
  gathering: PendingRead[] = [];
  /** Of a follower, by the context on the wire, oldest first. */
  readonly forwarded = new Map<number, ForwardedRead>();
  /** The next context on the wire. */
  nextForward = 0;

  get waiting(): number {
    return this.gathering.length + (this.round?.reads.length ?? 0) + this.forwarded.size;
  }
}
