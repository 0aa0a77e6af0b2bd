import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Scheduler } from '../base/clock.ts';
import { isLong, type LongApply, type StateMachine } from '../apply/machine.ts';
import type { Applied } from '../apply/types.ts';
import type { PutRow } from '../mvcc/types.ts';
import { decodeConfChange } from '../raft/confchange.ts';
import type { ConfChange } from '../raft/confchange.ts';
import type { ConfState, Entry } from '../raft/types.ts';
import { CommandKind, decodeCommand, type Command } from '../wire/command.ts';
import type { Outcome } from '../wire/errors.ts';
import type { Proposals } from './proposals.ts';
import type { Slicer } from './slicer.ts';
import type { StoreLoop } from './store-loop.ts';

/**
 * Applies committed entries in order, in slices, and answers those that were proposed here. An entry's rows and
 * the applied index go to the store loop together: no commit can ever hold one without the other (etcd #13514).
 * An entry that takes long is itself applied in steps; until it is whole nobody reads and nothing is committed.
 */
export interface ApplyLoopParts {
  readonly scheduler: Scheduler;
  readonly slicer: Slicer;
  readonly storeLoop: StoreLoop;
  readonly proposals: Proposals;
  readonly applyConfChange: (change: ConfChange) => ConfState;
  /** The members, or what is known of one, have changed. */
  readonly onMembersChanged: () => void;
  /** A change of the configuration has come to be applied: with an error it has changed nothing. */
  readonly onConfChange: (change: ConfChange, outcome: Outcome<unknown>) => void;
  readonly onCompaction: (revision: number) => void;
  /** Called after each slice. */
  readonly onApplied: (index: number) => void;
  /** An entry is applied in steps from now on, or no longer: meanwhile the state must not be looked at. */
  readonly onHalfApplied: (isHalf: boolean) => void;
  /** Rows of such an entry. */
  readonly onRows: (rows: readonly PutRow[]) => void;
  /** Called for each entry when the state has changed by it, before it is answered; no command: a conf change. */
  readonly onChanged: (applied: Applied, command: Command | undefined) => void;
  /** Called for each command with the time that applying it took. */
  readonly applyTook: (command: Command, durationMs: number) => void;
}

export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** An entry that is applied in steps. */
interface LongEntry extends LongApply, Told {
  readonly position: AppliedPosition;
}

/** What is to be told of an entry when it is applied. */
interface Told {
  readonly command: Command;
  readonly data: Bytes;
  readonly startedMs: number;
}

export class ApplyLoop {
  private readonly parts: ApplyLoopParts;
  private machine: StateMachine;
  private queue: Entry[] = [];
  private head = 0;
  private isRunning = false;
  private isPaused = false;
  private underWay: LongEntry | undefined;
  private position: AppliedPosition;

  constructor(machine: StateMachine, position: AppliedPosition, parts: ApplyLoopParts) {
    this.machine = machine;
    this.position = position;
    this.parts = parts;
  }

  get applied(): AppliedPosition {
    return this.position;
  }

  /** Committed entries that are not applied yet. */
  get backlog(): number {
    return this.queue.length - this.head;
  }

  private get isIdle(): boolean {
    return this.backlog === 0 && this.underWay === undefined;
  }

  enqueue(entries: readonly Entry[]): void {
    for (const entry of entries) this.queue.push(entry);
    this.run();
  }

  /** A commit has made room, or the reason for a pause is over. */
  run(): void {
    if (this.isRunning || this.isPaused || this.isIdle) return;
    this.isRunning = true;
    this.parts.slicer.run(() => this.step());
  }

  /** Applies nothing more until `restart`: a snapshot is about to replace what applying builds on. */
  pause(): void {
    this.isPaused = true;
  }

  restart(machine: StateMachine, position: AppliedPosition): void {
    this.machine = machine;
    this.position = position;
    this.queue = [];
    this.head = 0;
    this.isPaused = false;
    if (this.underWay === undefined) return;
    // What it had done is gone with the state.
    this.underWay = undefined;
    this.parts.onHalfApplied(false);
  }

  /** One piece of a slice: a few entries, or a piece of one. True ends the run. */
  private step(): boolean {
    if (this.underWay !== undefined) return this.goOn(this.underWay);
    const until = Math.min(this.queue.length, this.head + entriesPerStep);
    while (this.head < until && this.mayApply) {
      const entry = this.queue[this.head++];
      if (entry !== undefined) this.applyEntry(entry);
    }
    const isOver = this.underWay === undefined && (this.backlog === 0 || !this.mayApply);
    if (isOver) this.isRunning = false;
    if (this.backlog === 0) {
      this.queue = [];
      this.head = 0;
    }
    this.parts.onApplied(this.position.index);
    return isOver;
  }

  private get mayApply(): boolean {
    return !this.isPaused && !this.parts.storeLoop.isFull && this.underWay === undefined;
  }

  /** A piece of an entry. When it is whole, those who waited to read have a turn before what comes next. */
  private goOn(entry: LongEntry): boolean {
    if (this.isPaused) {
      this.isRunning = false;
      return true;
    }
    const next = entry.steps.next(rowsPerStep);
    if (next.done !== true) {
      if (next.value !== undefined && next.value.length > 0) this.keepRows(next.value);
      return false;
    }
    this.underWay = undefined;
    this.position = entry.position;
    this.parts.storeLoop.endEntry(() => this.told(entry, next.value));
    this.parts.onHalfApplied(false);
    this.parts.onApplied(this.position.index);
    this.isRunning = false;
    this.parts.scheduler.endOfTurn(() => this.run());
    return true;
  }

  private keepRows(rows: readonly PutRow[]): void {
    this.parts.storeLoop.add(rows, []);
    this.parts.onRows(rows);
  }

  private begin(entry: LongEntry): void {
    this.underWay = entry;
    this.parts.storeLoop.beginEntry();
    this.parts.onHalfApplied(true);
  }

  private applyEntry(entry: Entry): void {
    const { confState } = this.position;
    mustFollow(this.position, entry);
    if (entry.type === 'confChange') {
      this.applyConfEntry(entry);
      return;
    }
    const position = { index: entry.index, term: entry.term, confState };
    if (entry.data.length === 0) {
      this.position = position;
      this.parts.storeLoop.add([], []);
      return;
    }
    const command = decodeCommand(entry.data);
    const told = { command, data: entry.data, startedMs: this.parts.scheduler.nowMs() };
    const begun = this.machine.begin(command, position);
    if (isLong(begun)) return this.begin({ ...begun, ...told, position });
    this.position = position;
    this.told(told, begun);
  }

  private told({ command, data, startedMs }: Told, applied: Applied): void {
    const { scheduler, proposals, applyTook } = this.parts;
    this.keep(applied, command);
    if (concernsMembers(command)) this.parts.onMembersChanged();
    applyTook(command, scheduler.nowMs() - startedMs);
    proposals.applied(data, applied.outcome);
  }

  /** A change that the members' records refuse must not reach Raft's configuration either. */
  private applyConfEntry(entry: Entry): void {
    const change = decodeConfChange(entry.data);
    const applied = this.machine.applyConfChange(change);
    const { confState } = this.position;
    this.position = {
      index: entry.index,
      term: entry.term,
      confState: applied.outcome.ok ? this.parts.applyConfChange(change) : confState,
    };
    this.keep(applied, undefined);
    this.parts.onMembersChanged();
    this.parts.onConfChange(change, applied.outcome);
  }

  private keep(applied: Applied, command: Command | undefined): void {
    // First, so that no commit can hold the entry without the compaction that is to be taken up again after it.
    if (applied.scheduledCompaction !== undefined) {
      this.parts.onCompaction(applied.scheduledCompaction);
    }
    this.parts.storeLoop.add(applied.rows, applied.changes);
    if (applied.rows.length > 0 || applied.changes.length > 0)
      this.parts.onChanged(applied, command);
  }
}

/** The texts are made only for an entry that is wrong: every entry comes by here. */
function mustFollow({ index, term }: AppliedPosition, entry: Entry): void {
  if (entry.index === index + 1 && entry.term >= term) return;
  assert(entry.index === index + 1, `entry ${entry.index} applied after ${index}`);
  assert(entry.term >= term, `entry of term ${entry.term} applied after term ${term}`);
}

function concernsMembers({ kind }: Command): boolean {
  return kind === CommandKind.publishMember || kind === CommandKind.updateMember;
}

/** Entries applied between two looks at the clock. */
const entriesPerStep = 16;
/** Rows of one entry looked at or written between two looks. */
const rowsPerStep = 128;
