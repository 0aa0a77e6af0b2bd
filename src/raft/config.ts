import { assert } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import { noMember, type MemberId } from './types.ts';

/** What a member's Raft core is told once. Every limit is positive; sizes count the bytes of entries' data. */
export interface RaftConfig {
  readonly id: MemberId;
  /** Base election timeout in ticks; the real one is drawn anew from [electionTicks, 2 * electionTicks). */
  readonly electionTicks: number;
  /** Ticks between heartbeats; below `electionTicks`. */
  readonly heartbeatTicks: number;
  /** Ask whether an election could be won before raising the term (section 9.6). */
  readonly preVote: boolean;
  /** A leader without a live quorum steps down, and followers of a live leader refuse votes (section 6.2). */
  readonly checkQuorum: boolean;
  /** Data in one MsgApp; an entry that is larger goes alone. */
  readonly maxSizePerMsgBytes: number;
  /** MsgApps on the way to one follower. */
  readonly maxInflightMsgs: number;
  /** Data on the way to one follower; the message that crosses the limit still leaves. */
  readonly maxInflightBytes: number;
  /** Data a leader holds uncommitted before it drops proposals; with none held, any proposal is taken. */
  readonly maxUncommittedBytes: number;
  /** Committed data handed out and not yet applied, over all Readies. */
  readonly maxCommittedBytesPerReady: number;
  /** Reads that wait at one member, gathered at a leader or forwarded by a follower; more are dropped. */
  readonly readsMax: number;
  /** A leader whose log write has not finished for this many ticks steps down (etcd #15247). */
  readonly appendStallTicks: number;
  readonly random: Random;
}

export function mustBeValid(config: RaftConfig): void {
  assert(config.id !== noMember, 'a member needs an id other than 0');
  assert(config.heartbeatTicks > 0, 'heartbeatTicks must be positive');
  assert(
    config.electionTicks > config.heartbeatTicks,
    'electionTicks must be greater than heartbeatTicks',
  );
  const limits = [
    config.maxSizePerMsgBytes,
    config.maxInflightMsgs,
    config.maxInflightBytes,
    config.maxUncommittedBytes,
    config.maxCommittedBytesPerReady,
    config.readsMax,
    config.appendStallTicks,
  ];
  assert(
    limits.every((limit) => limit > 0),
    'every limit of a Raft configuration must be positive',
  );
}
