import type { Bytes } from '../base/bytes.ts';

/**
 * The words of the Raft core: what goes in, what comes out. Names are those of the Raft dissertation (Ongaro
 * 2014) and of go.etcd.io/raft. Everything here is plain immutable data.
 */

/** A member's 64-bit id; `noMember` (0) stands for "none". */
export type MemberId = bigint;
export const noMember: MemberId = 0n;

/**
 * `data` of a `confChange` entry is an encoded `ConfChange` (confchange.ts); empty data leaves a joint
 * configuration.
 */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: 'normal' | 'confChange';
  readonly data: Bytes;
}

/** What must be on disk before a promise that follows from it leaves the member (Figure 3.1, "persistent state"). */
export interface HardState {
  readonly term: number;
  readonly vote: MemberId;
  readonly commit: number;
}

export type RaftState = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What need not be persisted. */
export interface SoftState {
  readonly lead: MemberId;
  readonly state: RaftState;
}

/** A configuration: `votersOutgoing` is not empty while it is joint (section 4.3). Ids ascend. */
export interface ConfState {
  readonly voters: readonly MemberId[];
  readonly votersOutgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
  /** Voters of the outgoing configuration that become learners when the joint configuration is left. */
  readonly learnersNext: readonly MemberId[];
  readonly autoLeave: boolean;
}

/** The log position that a snapshot of the state machine stands for, and the configuration at it. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

interface Envelope {
  readonly from: MemberId;
  readonly to: MemberId;
  /** The sender's term. 0 on messages that carry none (a forwarded proposal or ReadIndex). */
  readonly term: number;
}

export type Message = Envelope &
  (
    | { readonly type: 'MsgProp'; readonly entries: readonly Pick<Entry, 'type' | 'data'>[] }
    | {
        readonly type: 'MsgApp';
        /** Index and term of the entry before `entries`. */
        readonly index: number;
        readonly logTerm: number;
        readonly entries: readonly Entry[];
        readonly commit: number;
        /** Without entries, it only tells `commit`: who accepts it may say nothing (replication.ts). */
        readonly isNotice: boolean;
      }
    | {
        readonly type: 'MsgAppResp';
        /** Accepted: the last index that is durable. Rejected: the index of the MsgApp that was refused. */
        readonly index: number;
        readonly reject: boolean;
        readonly rejectHint: number;
        readonly logTerm: number;
      }
    | {
        readonly type: 'MsgVote' | 'MsgPreVote';
        readonly index: number;
        readonly logTerm: number;
        /** A campaign by leadership transfer overrides the leader's lease (section 4.2.3). */
        readonly isTransfer: boolean;
      }
    | {
        readonly type: 'MsgVoteResp' | 'MsgPreVoteResp';
        readonly reject: boolean;
        /** The voter's commit index, and the term of the entry there: a fact in whatever term it arrives. */
        readonly commit: number;
        readonly logTerm: number;
      }
    /**
     * To a follower: asks the shell to stream the store, at this index or later. From the shell, on receipt:
     * what has been received; if no Ready with this snapshot follows, it was of no use and is thrown away.
     */
    | { readonly type: 'MsgSnap'; readonly snapshot: SnapshotMeta }
    | {
        readonly type: 'MsgHeartbeat';
        readonly commit: number;
        /**
         * The newest ReadIndex round this heartbeat also asks to confirm. With the term it is the round's token:
         * made by the leader and never reused, so that a late acknowledgement of an earlier round cannot
         * confirm a later one (etcd #20418).
         */
        readonly readSequence: number;
      }
    | { readonly type: 'MsgHeartbeatResp'; readonly readSequence: number }
    /** `context` is the asking member's own number for the read; it comes back with the answer. */
    | { readonly type: 'MsgReadIndex'; readonly context: number }
    | { readonly type: 'MsgReadIndexResp'; readonly context: number; readonly index: number }
    | { readonly type: 'MsgTransferLeader'; readonly transferee: MemberId }
    | { readonly type: 'MsgTimeoutNow' }
  );

/** A read that may be answered once the state machine has applied `index`. */
export interface ReadState {
  readonly context: number;
  readonly index: number;
}

/**
 * What the core asks its shell to do. Nothing in a Ready may be changed.
 *
 * `hardState` and `entries` go to disk in one synced batch (entries from an index already in the log replace
 * the suffix from there); then `messagesAfterAppend` leave and `appended(term, index)` of the last entry, or
 * `appended(0, 0)` if there is none, is called. `messages` leave at once, before or while that batch is synced.
 * A next Ready may be taken while batches are still in flight, which complete in order. A Ready with neither
 * hard state nor entries that has `messagesAfterAppend` writes nothing and waits its turn behind the batches in
 * flight; `asksForAppend` (raft.ts) says whether a Ready has such a completion. No message is to oneself.
 */
export interface Ready {
  readonly softState: SoftState | undefined;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /**
   * A snapshot to install, already received whole; the log is reset to it, with `hardState`. Then
   * `snapshotInstalled`, instead of `appended`. Such a Ready has no entries.
   */
  readonly snapshot: SnapshotMeta | undefined;
  readonly messages: readonly Message[];
  readonly messagesAfterAppend: readonly Message[];
  /**
   * Committed and not yet handed out: to be applied in order; then `applied(index)`. A quorum has them on disk,
   * this member perhaps not yet.
   */
  readonly committedEntries: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** Contexts of reads that were dropped (no leader, leadership lost): the shell fails or asks again. */
  readonly droppedReads: readonly number[];
}

/** The stable log as the core reads it: synchronous, and only of what has been appended. */
export interface LogReader {
  /** Index of the first entry still there; `lastIndex() + 1` when there is none. */
  firstIndex(): number;
  lastIndex(): number;
  /** The term of an entry in [firstIndex - 1, lastIndex], else undefined (compacted or beyond the end). */
  term(index: number): number | undefined;
  /** Entries of [low, high), at least one, and beyond that no more than `bytesMax` of data. */
  entries(low: number, high: number, bytesMax: number): readonly Entry[];
}
