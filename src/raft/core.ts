import { assert, mustBeSafe, unreachable } from '../base/assert.ts';
import { GoneLeader } from './gone-leader-state.ts';
import { RaftLog } from './log.ts';
import { ReadOnly } from './read-queue.ts';
import { Tracker } from './tracker.ts';
import { mustBeValid, type RaftConfig } from './config.ts';
import {
  noMember,
  type ConfState,
  type HardState,
  type LogReader,
  type MemberId,
  type Message,
  type RaftState,
  type ReadState,
} from './types.ts';

/** Messages by their type, for the functions that handle them. */
export type MessageOf<Type extends Message['type']> = Message & { readonly type: Type };

/** Where a member takes up again after a start. */
export interface RaftStart {
  readonly hardState: HardState;
  /** The configuration as of `applied`. */
  readonly confState: ConfState;
  /** The last index that the state machine has applied. */
  readonly applied: number;
}

/**
 * The state of one member (Figure 3.1). The functions in the files beside this one are all that changes it;
 * each file answers to one message, role or rule.
 */
export class Core {
  readonly id: MemberId;
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly tracker: Tracker;
  readonly reads: ReadOnly = new ReadOnly();

  term: number;
  vote: MemberId;
  state: RaftState = 'follower';
  lead: MemberId = noMember;

  /** Ticks since the election timer was reset; of a leader, since its last quorum check. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeoutTicks = 0;
  /** Of a follower: what it knows of the end of its leader's process (gone-leader.ts). */
  readonly gone: GoneLeader = new GoneLeader();
  /** Ticks that the oldest log write has been in flight. */
  appendElapsed = 0;
  /** Ticks since the start: the age of forwarded reads. */
  ticks = 0;

  /** Of a leader: to whom leadership is being transferred (section 3.10). */
  leadTransferee: MemberId = noMember;
  /** The term in which it last told another to campaign, whenever that arrives. */
  offeredTerm = 0;
  /**
   * Of a leader: no configuration entry above this index is in its log. The next may be proposed when this
   * one is applied: one change at a time, and none before an own-term entry is committed (I10).
   */
  pendingConfIndex = 0;
  /** Of a leader that is no voter any more: it goes when this entry is committed; else 0. */
  leavingIndex = 0;
  /** Of a leader: an estimate, never too high, of the data it has proposed and not seen committed. */
  uncommittedBytes = 0;
  /** Of a leader: there are entries or a commit index to tell the followers when the Ready is taken. */
  isBroadcastDue = false;

  /** What the last batch that completed left on disk; a vote counts and is told only from there (3.8). */
  durable: HardState;
  /** What the newest batch in flight writes. */
  writtenHardState: HardState;
  /** The commit index has moved and a tick has passed: write it even if nothing else is to be written. */
  isCommitWriteDue = false;

  messages: Message[] = [];
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];
  droppedReads: number[] = [];

  constructor(config: RaftConfig, log: LogReader, start: RaftStart) {
    mustBeValid(config);
    mustBeSafe(start.hardState.term, 'term');
    // The store may be ahead of the commit index that was written last; what is applied was committed.
    const committed = Math.max(start.hardState.commit, start.applied);
    this.id = config.id;
    this.config = config;
    this.log = new RaftLog(log, committed, start.applied, config.maxCommittedBytesPerReady);
    this.tracker = new Tracker(config);
    this.tracker.switchTo(start.confState, this.log.lastIndex());
    this.term = start.hardState.term;
    this.vote = start.hardState.vote;
    this.durable = start.hardState;
    this.writtenHardState = start.hardState;
    assert(this.term >= this.log.lastTerm(), 'the log holds an entry of a term not reached');
    this.resetElectionTimer();
    // Far from where an earlier start of this member began: a late answer to one of its reads finds no other.
    this.reads.nextForward = config.random.below(2 ** 32) * 2 ** 20;
  }

  /** Section 3.4: a fresh random timeout each time, so that split votes are rare. */
  resetElectionTimer(): void {
    const { electionTicks, random } = this.config;
    this.electionElapsed = 0;
    this.electionTimeoutTicks = electionTicks + random.below(electionTicks);
  }

  send(message: Message): void {
    assert(message.to !== this.id, `a ${message.type} to itself`);
    if (promisesDurability(message.type)) this.messagesAfterAppend.push(message);
    else this.messages.push(message);
  }
}

/**
 * Whether a message may leave only when everything the member has decided so far is on disk (section 3.8).
 * MsgVote is one: if a candidate restarts without the term and entries it campaigned with, late answers to
 * that campaign could elect it in the same term with a log that the voters would have refused.
 */
function promisesDurability(type: Message['type']): boolean {
  switch (type) {
    case 'MsgAppResp':
    case 'MsgVote':
    case 'MsgVoteResp':
      return true;
    case 'MsgProp':
    case 'MsgApp':
    case 'MsgPreVote':
    case 'MsgPreVoteResp':
    case 'MsgSnap':
    case 'MsgHeartbeat':
    case 'MsgHeartbeatResp':
    case 'MsgReadIndex':
    case 'MsgReadIndexResp':
    case 'MsgTransferLeader':
    case 'MsgTimeoutNow':
      return false;
    default:
      return unreachable(type);
  }
}
