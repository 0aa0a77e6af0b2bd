import { assert } from '../base/assert.ts';
import type { Scheduler } from '../base/clock.ts';
import type { StateMachine } from '../apply/machine.ts';
import type { Applied } from '../apply/types.ts';
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

export class ApplyLoop {
  private readonly parts: ApplyLoopParts;
  private machine: StateMachine;
  private queue: Entry[] = [];
  private head = 0;
  private isRunning = false;
  private isPaused = false;
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

  enqueue(entries: readonly Entry[]): void {
    for (const entry of entries) this.queue.push(entry);
    this.run();
  }

  /** A commit has made room, or the reason for a pause is over. */
  run(): void {
    if (this.isRunning || this.isPaused || this.backlog === 0) return;
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
  }

  /** One piece of a slice: a few entries. True ends the run. */
  private step(): boolean {
    const until = Math.min(this.queue.length, this.head + entriesPerStep);
    while (this.head < until && !this.isPaused && !this.parts.storeLoop.isFull) {
      const entry = this.queue[this.head++];
      if (entry !== undefined) this.applyEntry(entry);
    }
    const isOver = this.backlog === 0 || this.isPaused || this.parts.storeLoop.isFull;
    if (isOver) this.isRunning = false;
    if (this.backlog === 0) {
      this.queue = [];
      this.head = 0;
    }
    this.parts.onApplied(this.position.index);
    return isOver;
  }

  private applyEntry(entry: Entry): void {
    const { confState } = this.position;
    mustFollow(this.position, entry);
    if (entry.type === 'confChange') {
      this.applyConfEntry(entry);
      return;
    }
    this.position = { index: entry.index, term: entry.term, confState };
    if (entry.data.length === 0) {
      this.parts.storeLoop.add([], []);
      return;
    }
    const { scheduler, proposals, applyTook } = this.parts;
    const command = decodeCommand(entry.data);
    const started = scheduler.nowMs();
    const applied = this.machine.apply(command, this.position);
    this.keep(applied, command);
    if (concernsMembers(command)) this.parts.onMembersChanged();
    applyTook(command, scheduler.nowMs() - started);
    proposals.applied(entry.data, applied.outcome);
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
