import type { Bytes } from '../../../src/base/bytes.ts';
import type { PutRow } from '../../../src/mvcc/types.ts';
import type { ConfState, Entry, MemberId, Message, RaftState } from '../../../src/raft/types.ts';
import type { SpaceChange } from '../../../src/storage/types.ts';
import type { Outcome } from '../../../src/wire/errors.ts';
import type { RangeRequest, RangeResponse } from '../../../src/wire/kv.ts';
import type { SimEvent } from '../types.ts';
import type { DurableLog } from './durable-log.ts';
import type { DurableStore } from './durable-store.ts';

/** What an event has shown of the member that it names: plain values, so that a test can make them up. */

/** Figures of a member after an event. */
export interface Figures {
  readonly term: number;
  readonly state: RaftState;
  readonly committed: number;
  /** By the state machine; the core is told after each slice. */
  readonly applied: number;
  readonly appliedTerm: number;
  /** With what is not written yet. */
  readonly lastIndex: number;
  readonly confState: ConfState;
  readonly revision: number;
  readonly compactRevision: number;
  /** Of the log, without what is not written yet. */
  readonly logFirst: number;
  readonly logLast: number;
  readonly logLastTerm: number;
  readonly isInstalling: boolean;
}

/** An entry met in a log or in a message, and the term of the one before it. */
export interface LoggedEntry {
  readonly entry: Entry;
  readonly previousTerm: number;
}

/** What applying one entry has done. */
export interface AppliedEntry {
  readonly index: number;
  readonly rows: readonly PutRow[];
  readonly isInSteps: boolean;
  readonly changes: readonly SpaceChange[];
  readonly revision: number;
  readonly compactRevision: number;
}

/** A linearizable read that was answered. */
export interface AnsweredRead {
  /** The highest index that was committed anywhere when it was asked. */
  readonly floorIndex: number;
  /** What the member had applied when it answered. */
  readonly appliedIndex: number;
  /** The terms that the member was in then and now. */
  readonly askedInTerm: number;
  readonly answeredInTerm: number;
}

/** What a member has answered to one range, from its applied state. */
export interface AnsweredRange {
  readonly request: RangeRequest;
  readonly outcome: Outcome<RangeResponse>;
  /** The revision of the member when it was asked. */
  readonly askedAt: number;
}

export interface Sight {
  readonly event: SimEvent;
  /** What there is to see: the sum of `shown` (property.ts). */
  readonly shows: number;
  readonly name: string;
  readonly id: MemberId;
  readonly clusterId: bigint;
  /** Of its data dir: another one after the disk was lost. */
  readonly incarnation: bigint;
  /** It was started by this event; `before` is then what it started with. */
  readonly isNew: boolean;
  /** A snapshot was put in force since the event before. */
  readonly isInstalled: boolean;
  readonly before: Figures;
  readonly now: Figures;
  readonly log: DurableLog;
  readonly store: DurableStore;
  readonly sent: readonly Message[];
  readonly logged: readonly LoggedEntry[];
  /** Committed entries that were given to the state machine. */
  readonly handedOut: readonly Entry[];
  readonly applied: readonly AppliedEntry[];
  /** Row keys that a compaction gave up. */
  readonly deleted: readonly Bytes[];
  readonly reads: readonly AnsweredRead[];
  readonly ranges: readonly AnsweredRange[];
  /** Its applied index at each acknowledgement of a proposal to a client. */
  readonly acknowledged: readonly number[];
}
