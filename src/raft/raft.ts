import { Core, type RaftStart } from './core.ts';
import { campaign } from './election.ts';
import { reportGone } from './gone-leader.ts';
import { applyConfChange } from './membership.ts';
import { appended, snapshotInstalled } from './persist.ts';
import { maybeLeaveJoint, propose, proposeConfChange, type ProposeResult } from './propose.ts';
import { readIndex } from './read-only.ts';
import { hasReady, takeReady } from './ready.ts';
import { reportSnapshot, reportUnreachable } from './report.ts';
import { statusOf, type RaftStatus } from './status.ts';
import { step } from './step.ts';
import { tick } from './tick.ts';
import { transferLeadership } from './transfer.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ConfChange } from './confchange.ts';
import type { RaftConfig } from './config.ts';
import {
  noMember,
  type ConfState,
  type LogReader,
  type MemberId,
  type Message,
  type RaftState,
  type Ready,
  type SoftState,
} from './types.ts';

/**
 * One member of a Raft group: pure and synchronous. Values go in (ticks, messages, proposals, completions);
 * what is to be done comes out in a `Ready`. The commit rule is in commit.ts, elections in election.ts, what
 * each role makes of a message in step-leader.ts, step-candidate.ts and step-follower.ts.
 *
 * A broken invariant throws `InvariantError`; the member must then stop.
 */
export class Raft {
  readonly #core: Core;
  #reported: SoftState = { lead: noMember, state: 'follower' };

  constructor(config: RaftConfig, log: LogReader, start: RaftStart) {
    this.#core = new Core(config, log, start);
  }

  get id(): MemberId {
    return this.#core.id;
  }

  get term(): number {
    return this.#core.term;
  }

  get lead(): MemberId {
    return this.#core.lead;
  }

  get state(): RaftState {
    return this.#core.state;
  }

  get committed(): number {
    return this.#core.log.committed;
  }

  get appliedIndex(): number {
    return this.#core.log.applied;
  }

  get lastIndex(): number {
    return this.#core.log.lastIndex();
  }

  /** The last index that is on disk and that no write asked for so far can change. */
  get stableIndex(): number {
    return this.#core.log.stableIndex();
  }

  /** Of a snapshot that the core has taken and that is not installed yet; else 0. */
  get pendingSnapshotIndex(): number {
    return this.#core.log.unstable.snapshot?.index ?? 0;
  }

  /** The configuration applied last. */
  get confState(): ConfState {
    return this.#core.tracker.conf;
  }

  get isLearner(): boolean {
    return this.#core.tracker.get(this.#core.id)?.isLearner ?? false;
  }

  /** In this term it has told another to campaign, who may do so at any time and be elected at once (4.2.3). */
  get hasOfferedLeadership(): boolean {
    return this.#core.offeredTerm === this.#core.term;
  }

  status(): RaftStatus {
    return statusOf(this.#core);
  }

  /** Time passes. At most one tick for a late wake-up, and only after waiting input has been stepped. */
  tick(): void {
    tick(this.#core);
  }

  /** A message that another member sent. It may not be changed afterwards. */
  step(message: Message): void {
    step(this.#core, message);
  }

  /** Begins an election at once, if this member may be elected. */
  campaign(): void {
    campaign(this.#core, 'election');
  }

  propose(data: Bytes): ProposeResult {
    return propose(this.#core, [{ type: 'normal', data }]);
  }

  /** In order. A leader takes all or none; to another they go in messages of bounded size. */
  proposeBatch(data: readonly Bytes[]): ProposeResult {
    return propose(
      this.#core,
      data.map((bytes) => ({ type: 'normal', data: bytes })),
    );
  }

  /** Dropped, too, while another change is pending, or when it does not fit the configuration. */
  proposeConfChange(change: ConfChange): ProposeResult {
    return proposeConfChange(this.#core, change);
  }

  /**
   * To be called when a `confChange` entry is applied, before `applied` says so, with what its data decodes
   * to; not at all for one that the state machine refuses. Returns the configuration now in force.
   */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#core, change);
  }

  /** Asks for a linearizable read; `context` comes back once, in `readStates` or in `droppedReads`. */
  readIndex(context: number): void {
    readIndex(this.#core, context);
  }

  /** Hands leadership to a voter; nothing happens when that is not possible. */
  transferLeadership(transferee: MemberId): void {
    transferLeadership(this.#core, transferee);
  }

  /** Messages to a member were lost. */
  reportUnreachable(id: MemberId): void {
    reportUnreachable(this.#core, id);
  }

  /** A hint: the process of a member has ended, and its links with it. */
  reportGone(id: MemberId): void {
    reportGone(this.#core, id);
  }

  /** The snapshot that a MsgSnap asked for was delivered, or not. */
  reportSnapshot(id: MemberId, isDelivered: boolean): void {
    reportSnapshot(this.#core, id, isDelivered);
  }

  hasReady(): boolean {
    return hasReady(this.#core, this.#reported);
  }

  ready(): Ready {
    const ready = takeReady(this.#core, this.#reported);
    if (ready.softState !== undefined) this.#reported = ready.softState;
    return ready;
  }

  /**
   * The batch of the oldest Ready that asked for one is on disk: `term` and `index` of its last entry, or
   * 0 and 0 when it had none. Once for each such Ready, in order (a snapshot's ends with `snapshotInstalled`).
   */
  appended(term: number, index: number): void {
    appended(this.#core, term, index);
  }

  /** The state machine has applied every entry up to `index`. */
  applied(index: number): void {
    this.#core.log.appliedTo(index);
    maybeLeaveJoint(this.#core);
  }

  /** The snapshot is in place of state machine and log, and what came before it in the queue is done. */
  snapshotInstalled(index: number): void {
    snapshotInstalled(this.#core, index);
  }
}

/**
 * Whether a Ready asks for a batch: then, and only then, its completion is told by `appended`, or by
 * `snapshotInstalled` if it has a snapshot. A batch without hard state and entries waits only for its turn.
 */
export function asksForAppend(ready: Ready): boolean {
  return (
    ready.hardState !== undefined ||
    ready.entries.length > 0 ||
    ready.snapshot !== undefined ||
    ready.messagesAfterAppend.length > 0
  );
}
