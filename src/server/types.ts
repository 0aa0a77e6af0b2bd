import type { Bytes } from '../base/bytes.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { KvHash } from '../mvcc/compaction-hashes.ts';
import type { MemberId } from '../raft/types.ts';
import type { Outcome } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../wire/kv.ts';
import type { CommandKind } from '../wire/command.ts';

/**
 * A running member, as the services of layer 5 see it. Callbacks are called once each; one may be called before
 * the call returns, where the answer is at hand.
 */

export interface MemberInfo {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface MemberStatus {
  readonly lead: MemberId;
  readonly isLearner: boolean;
  readonly raftTerm: number;
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  readonly dbSizeQuota: number;
}

export type Done<T> = (outcome: Outcome<T>) => void;

export interface Member {
  readonly id: MemberId;
  readonly clusterId: bigint;
  /** For response headers: the store's revision now, and the member's term. */
  readonly revision: number;
  readonly term: number;
  /** `noMember` while there is none. */
  readonly lead: MemberId;
  readonly isLearner: boolean;

  /** Replicates a checked request and answers when this member has applied it. Never proposes twice. */
  propose(kind: CommandKind, request: Bytes, done: Done<AppliedResponse>): void;
  /** Calls back when a read at this member would be linearizable. */
  readIndex(done: Done<undefined>): void;
  /** Range at this member's applied state, sliced so that the event loop is never held long. */
  range(request: RangeRequest, done: Done<RangeResponse>): void;
  /** RangeStream: chunks in key order as `next` asks for them; header, count and more only on the last. */
  rangeStream(request: RangeRequest): RangeStreamSource;
  /** A transaction of ranges only, evaluated at the applied state. */
  readTxn(request: TxnRequest): Outcome<TxnResponse>;
  /** Calls back when no compaction is under way and what they deleted is durable (`physical`). */
  whenCompacted(done: () => void): void;
  hashKv(revision: number, done: Done<KvHash>): void;
  hash(done: Done<number>): void;
  defragment(done: Done<undefined>): void;
  moveLeader(target: MemberId, done: Done<undefined>): void;
  status(): MemberStatus;
  members(): readonly MemberInfo[];
}

export interface RangeStreamSource {
  /** The next chunk; `isLast` ends the stream. */
  next(done: Done<{ readonly response: RangeResponse; readonly isLast: boolean }>): void;
  close(): void;
}
