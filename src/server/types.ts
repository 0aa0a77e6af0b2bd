import type { Bytes } from '../base/bytes.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { KvHash } from '../mvcc/compaction-hashes.ts';
import type { KeyRange } from '../mvcc/types.ts';
import type { LeaseTimes } from '../peer/types.ts';
import type { MemberId } from '../raft/types.ts';
import type { Outcome } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../wire/kv.ts';
import type { KvsWriter } from '../wire/kvs-writer.ts';
import type { CommandKind } from '../wire/command.ts';
import type { AlarmMember } from '../wire/maintenance.ts';
import type { WatchEvents } from '../wire/watch-events.ts';

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
  /** Calls back when a read at this member would be linearizable. `key`: that is all it will read. */
  readIndex(done: Done<undefined>, key?: Bytes): void;
  /**
   * Calls back when the applied state can be read: at the end of this turn, together with others of one key, or when
   * a snapshot that is taking its place has done so.
   */
  whenReadable(done: Done<undefined>, key?: Bytes): void;
  /** Range at this member's applied state, sliced so that the event loop is never held long. */
  range(request: RangeRequest, done: Done<RangeResponse>): void;
  /** The same for an answer that goes out as it is: a large one is not held, but made while it is sent. */
  rangeToSend(request: RangeRequest, done: Done<RangeToSend>): void;
  /** RangeStream: chunks in key order as `next` asks for them; header, count and more only on the last. */
  rangeStream(request: RangeRequest): RangeStreamSource;
  /** A transaction of ranges only, at this member's applied state, in slices where it may take long. */
  readTxn(request: TxnRequest, done: Done<TxnResponse>): void;
  /** Calls back when no compaction is under way and what they deleted is durable (`physical`). */
  whenCompacted(done: () => void): void;
  hashKv(revision: number, done: Done<KvHash>): void;
  hash(done: Done<number>): void;
  defragment(done: Done<undefined>): void;
  moveLeader(target: MemberId, done: Done<undefined>): void;
  status(): MemberStatus;
  members(): readonly MemberInfo[];
  /** The alarms in force, as of the applied index. */
  alarms(): readonly AlarmMember[];

  /** A stream of watches, served from this member's applied state. */
  openWatches(receiver: WatchReceiver): Watches;

  /** What the TTL of a new lease is raised to, in seconds (etcd: 1.5 election timeouts). */
  readonly leaseTtlMin: number;
  /** An id for a new lease: random, positive, and not in use as far as this member knows. */
  newLeaseId(): bigint;
  /**
   * Prolongs a lease by its TTL, at the leader, and answers that TTL in seconds; 0 when there is no such lease.
   * Acknowledged by a leader that a quorum has confirmed after the call, or so lately that it makes no difference to
   * how long the lease lives (leader-contact.ts).
   */
  renewLease(id: bigint, done: Done<number>): void;
  /** The same where the answer is at hand, and nobody need be asked for it; undefined elsewhere. */
  maybeRenewLease(id: bigint): number | undefined;
  /** Its times as the leader knows them; undefined when there is no such lease. */
  leaseTimeToLive(id: bigint, withKeys: boolean, done: Done<LeaseDescription | undefined>): void;
  /**
   * All leases by what is left of them, as this member knows it: the `leases` of a LeaseLeasesResponse, encoded.
   * `tooManyRequests` when too many wait for a list already.
   */
  leases(done: Done<Bytes>): void;

  /** Each changes one member and answers with all of them, once the change is applied here. */
  addMember(peerUrls: readonly string[], isLearner: boolean, done: Done<AddedMember>): void;
  removeMember(id: MemberId, done: Done<readonly MemberInfo[]>): void;
  promoteMember(id: MemberId, done: Done<readonly MemberInfo[]>): void;
  updateMember(id: MemberId, peerUrls: readonly string[], done: Done<readonly MemberInfo[]>): void;
}

export interface AddedMember {
  readonly added: MemberInfo;
  readonly members: readonly MemberInfo[];
}

export interface LeaseDescription extends LeaseTimes {
  /** In byte order; empty unless they were asked for. */
  readonly keys: readonly Bytes[];
}

export type RangeToSend =
  | { readonly type: 'whole'; readonly response: RangeResponse }
  /** The `kvs` are encoded already. */
  | { readonly type: 'page'; readonly answer: Omit<RangeResponse, 'kvs'>; readonly kvs: KvsWriter }
  | { readonly type: 'large'; readonly large: LargeRange };

/** The answer to a range over more than a mebibyte, at a revision that is held for it, for half a minute. */
export interface LargeRange {
  /** All of the response but its `kvs`. */
  readonly rest: Pick<RangeResponse, 'header' | 'more' | 'count'>;
  /** The bytes that all `kvs` together take in the encoded response. */
  readonly kvsBytes: number;
  /** The next of the `kvs`, at least one and some 128 KiB; undefined: they cannot be read any more. */
  next(): readonly Bytes[] | undefined;
  /** To be called once, whether or not all was taken. */
  close(): void;
}

export interface RangeStreamSource {
  /** The next chunk; `isLast` ends the stream. */
  next(done: Done<{ readonly response: RangeResponse; readonly isLast: boolean }>): void;
  close(): void;
}

/** A watch to be made. What its fields mean to clients: etcd-surface of WatchCreateRequest. */
export interface WatchSpec {
  /** Undefined: the stream chooses. */
  readonly id: bigint | undefined;
  readonly range: KeyRange;
  /** 0 is from the next revision on; one in the future waits, and is told nothing earlier. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly progressNotify: boolean;
  /** Large revisions may come in parts. */
  readonly fragment: boolean;
}

/**
 * What a stream of watches tells its client, in the order in which it must arrive. Revisions are those of the
 * response's header.
 */
export type WatchOutput =
  | { readonly type: 'created'; readonly watchId: bigint; readonly revision: number }
  /** No watch was created; in its place, for clients tell answers to creation apart by their order. */
  | {
      readonly type: 'refused';
      /** -1n. */
      readonly watchId: bigint;
      readonly revision: number;
      readonly reason: string;
    }
  | {
      readonly type: 'events';
      readonly watchId: bigint;
      readonly revision: number;
      /** Encoded `mvccpb.Event`s, shared by all watches that are told of the same. */
      readonly events: WatchEvents;
      /** The rest of the same revision follows. */
      readonly isFragment: boolean;
    }
  /** Everything up to `revision` has been told; `watchId` -1n speaks for all watches of the stream. */
  | { readonly type: 'progress'; readonly watchId: bigint; readonly revision: number }
  /** `compactRevision` is not 0 when the watch fell behind a compaction; then `revision` is 0. */
  | {
      readonly type: 'canceled';
      readonly watchId: bigint;
      readonly revision: number;
      readonly compactRevision: number;
    };

export interface WatchReceiver {
  /** False: nothing more until `Watches.resume`. What it was given is taken all the same. */
  receive(output: WatchOutput): boolean;
}

export interface Watches {
  /**
   * The watch is created, and `created` will be told, at the end of the turn; or the reason why not, and nothing
   * will be told.
   */
  create(spec: WatchSpec): WatchRefusal | undefined;
  /** Tells `refused`, for whoever has to say why there is no watch. */
  refuse(reason: string): void;
  /** Tells `canceled`; false and silent for an id that is not there. */
  cancel(id: bigint): boolean;
  /** Tells `progress` for -1n if every watch of the stream has everything; else nothing, as etcd. */
  requestProgress(): void;
  resume(): void;
  close(): void;
}

export type WatchRefusal = 'emptyRange' | 'duplicateId';
