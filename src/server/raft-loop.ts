import type { Bytes } from '../base/bytes.ts';
import type { Scheduler } from '../base/clock.ts';
import type { Transport } from '../peer/types.ts';
import { asksForAppend, type Raft } from '../raft/raft.ts';
import type { ConfChange } from '../raft/confchange.ts';
import type {
  ConfState,
  Entry,
  HardState,
  MemberId,
  Message,
  ReadState,
  Ready,
  SnapshotMeta,
  SoftState,
} from '../raft/types.ts';
import type { LogStore } from '../storage/types.ts';

/**
 * The shell around the Raft core: gathers the input of one turn of the event loop, then carries out what each
 * Ready asks. Messages leave at once, while the log's batch is synced; what promises durability leaves after it.
 * At most one batch is in flight; what comes meanwhile is joined into the next ("group commit").
 */
export interface RaftLoopEvents {
  committed(entries: readonly Entry[]): void;
  /** These were not taken (no leader, another term, a transfer under way, too much uncommitted): they are nowhere. */
  proposalsDropped(data: readonly Bytes[]): void;
  /** The context of a ReadIndex round to ask for now, or undefined. */
  takeReadContext(): number | undefined;
  readConfirmed(states: readonly ReadState[]): void;
  readDropped(contexts: readonly number[]): void;
  leaderChanged(soft: SoftState): void;
  /** The own log is durable further than before (`syncedIndex`). */
  logSynced(): void;
  /** `term` is that of the leader who wants it sent. */
  snapshotWanted(to: MemberId, term: number): void;
  /** The core took a received snapshot: install it, then call `snapshotInstalled`. */
  snapshotAccepted(snapshot: SnapshotMeta, hardState: HardState): void;
  appendTook(durationMs: number): void;
}

export interface RaftLoopParts {
  readonly raft: Raft;
  readonly log: LogStore;
  readonly transport: Pick<Transport, 'send'>;
  readonly scheduler: Scheduler;
  readonly tickMs: number;
}

/** What a Ready adds to the log, and what leaves once that is durable. */
type AppendPart = Pick<Ready, 'hardState' | 'entries' | 'messagesAfterAppend' | 'snapshot'>;

/** Readies handled in one drain before the event loop is polled again. */
const readiesPerTurnMax = 64;

export class RaftLoop {
  private readonly parts: RaftLoopParts;
  private readonly events: RaftLoopEvents;
  private log: LogStore;
  private proposals: Bytes[] = [];
  /** Raft's term when the first of them came. */
  private proposalsTerm = 0;
  private confChanges: ConfChange[] = [];
  private appendQueue: AppendPart[] = [];
  private isAppending = false;
  /** The newest that a part in hand brought, and what the log holds of it: a commit index alone may wait. */
  private newest: HardState;
  private written: HardState;
  private isDrainScheduled = false;
  private installing: AppendPart | undefined;
  private isStopped = false;

  constructor(parts: RaftLoopParts, events: RaftLoopEvents) {
    this.parts = parts;
    this.events = events;
    this.log = parts.log;
    this.written = parts.log.hardState;
    this.newest = this.written;
  }

  /**
   * How far the own log is durable, less what a batch in hand or in flight is about to replace: an entry that was
   * applied before this log holds it may have taken the index of another that is still there.
   */
  get syncedIndex(): number {
    return this.parts.raft.stableIndex;
  }

  start(): void {
    this.scheduleTick(this.parts.scheduler.nowMs() + this.parts.tickMs);
    this.schedule();
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Whether input waits that long work should make room for. */
  get isBusy(): boolean {
    return this.isDrainScheduled || this.appendQueue.length > 0;
  }

  received(messages: readonly Message[]): void {
    if (this.isStopped) return;
    for (const message of messages) this.parts.raft.step(message);
    this.schedule();
  }

  /** Gathers a proposal; all of one turn become one append. */
  propose(data: Bytes): void {
    if (this.proposals.length === 0) this.proposalsTerm = this.parts.raft.term;
    this.proposals.push(data);
    this.schedule();
  }

  /** Offers a change to the core at the end of this turn; whether it is taken shows only when it is applied. */
  proposeConfChange(change: ConfChange): void {
    this.confChanges.push(change);
    this.schedule();
  }

  /** A ReadIndex round is due at the end of this turn (`takeReadContext`). */
  wake(): void {
    this.schedule();
  }

  applyConfChange(change: ConfChange): ConfState {
    const confState = this.parts.raft.applyConfChange(change);
    this.schedule();
    return confState;
  }

  applied(index: number): void {
    this.parts.raft.applied(index);
    this.schedule();
  }

  transferLeadership(to: MemberId): void {
    this.parts.raft.transferLeadership(to);
    this.schedule();
  }

  reportUnreachable(id: MemberId): void {
    this.parts.raft.reportUnreachable(id);
    this.schedule();
  }

  reportGone(id: MemberId): void {
    this.parts.raft.reportGone(id);
    this.schedule();
  }

  reportSnapshot(id: MemberId, isDelivered: boolean): void {
    this.parts.raft.reportSnapshot(id, isDelivered);
    this.schedule();
  }

  /** The store of a received snapshot is in force, with a log that is reset to it. */
  snapshotInstalled(snapshot: SnapshotMeta, log: LogStore): void {
    const after = this.installing?.messagesAfterAppend ?? [];
    this.installing = undefined;
    this.log = log;
    this.written = log.hardState;
    this.parts.raft.snapshotInstalled(snapshot.index);
    this.send(after);
    this.schedule();
    this.maybeAppend();
  }

  /** Lets time pass faster at the start, when nobody can be leading yet. */
  advanceTicks(count: number): void {
    for (let i = 0; i < count; i++) this.parts.raft.tick();
    this.schedule();
  }

  /**
   * Timers run before waiting input after a stall, which would count silence that never was: a tick is counted
   * only after one poll for input, and a late timer counts once (reliability.md section 6).
   */
  private scheduleTick(dueMs: number): void {
    const { scheduler, tickMs } = this.parts;
    scheduler.after(Math.max(0, dueMs - scheduler.nowMs()), () => {
      if (this.isStopped) return;
      scheduler.endOfTurn(() => this.countTick());
      this.scheduleTick(Math.max(dueMs + tickMs, scheduler.nowMs() + tickMs / 2));
    });
  }

  private countTick(): void {
    if (this.isStopped) return;
    this.parts.raft.tick();
    this.schedule();
  }

  private schedule(): void {
    if (this.isDrainScheduled || this.isStopped) return;
    this.isDrainScheduled = true;
    this.parts.scheduler.endOfTurn(() => this.drain());
  }

  private drain(): void {
    this.isDrainScheduled = false;
    if (this.isStopped) return;
    const { raft } = this.parts;
    if (this.proposals.length > 0) {
      const gathered = this.proposals;
      this.proposals = [];
      // Whoever proposed them noted the term to which they belong: they are not for another.
      const isLate = raft.term !== this.proposalsTerm;
      if (isLate || raft.proposeBatch(gathered) === 'dropped') {
        this.events.proposalsDropped(gathered);
      }
    }
    for (const change of this.confChanges.splice(0)) raft.proposeConfChange(change);
    const context = this.events.takeReadContext();
    if (context !== undefined) raft.readIndex(context);
    for (let i = 0; i < readiesPerTurnMax && raft.hasReady(); i++) this.carryOut(raft.ready());
    if (raft.hasReady()) this.schedule();
  }

  private carryOut(ready: Ready): void {
    const { events } = this;
    if (ready.softState !== undefined) events.leaderChanged(ready.softState);
    this.send(ready.messages);
    if (asksForAppend(ready)) {
      this.appendQueue.push(ready);
      this.maybeAppend();
    }
    if (ready.droppedReads.length > 0) events.readDropped(ready.droppedReads);
    if (ready.readStates.length > 0) events.readConfirmed(ready.readStates);
    if (ready.committedEntries.length > 0) events.committed(ready.committedEntries);
  }

  private send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const others: Message[] = [];
    for (const message of messages) {
      if (message.type === 'MsgSnap') this.events.snapshotWanted(message.to, message.term);
      else others.push(message);
    }
    if (others.length > 0) this.parts.transport.send(others);
  }

  /** Starts the next batch: all that waits, up to a snapshot, which goes by itself. */
  private maybeAppend(): void {
    while (!this.isAppending && this.installing === undefined && this.appendQueue.length > 0) {
      const { appendQueue } = this;
      const snapshotAt = appendQueue.findIndex((part) => part.snapshot !== undefined);
      if (snapshotAt === 0) this.install();
      else this.append(appendQueue.splice(0, snapshotAt === -1 ? appendQueue.length : snapshotAt));
    }
  }

  private install(): void {
    const part = this.appendQueue.shift();
    if (part?.snapshot === undefined) return;
    this.installing = part;
    this.newest = part.hardState ?? this.newest;
    this.events.snapshotAccepted(part.snapshot, this.newest);
  }

  private append(parts: readonly AppendPart[]): void {
    const entries = joinEntries(parts);
    for (const { hardState } of parts) this.newest = hardState ?? this.newest;
    if (entries.length === 0 && !this.mustSync()) {
      this.appended(parts);
      return;
    }
    const started = this.parts.scheduler.nowMs();
    const hardState = this.newest === this.written ? undefined : this.newest;
    this.written = this.newest;
    this.isAppending = true;
    this.log.append({ hardState, entries }, () => {
      this.isAppending = false;
      if (this.isStopped) return;
      this.events.appendTook(this.parts.scheduler.nowMs() - started);
      this.appended(parts);
      this.maybeAppend();
    });
  }

  /** A term or a vote is a promise; a commit index alone is not, and goes with the next batch. */
  private mustSync(): boolean {
    const { newest, written } = this;
    return newest.term !== written.term || newest.vote !== written.vote;
  }

  private appended(parts: readonly AppendPart[]): void {
    const { raft } = this.parts;
    for (const { entries, messagesAfterAppend } of parts) {
      this.send(messagesAfterAppend);
      const last = entries.at(-1);
      raft.appended(last?.term ?? 0, last?.index ?? 0);
    }
    this.events.logSynced();
    this.schedule();
  }
}

/** One run of entries out of several: a later part replaces the suffix that it overlaps. */
function joinEntries(parts: readonly AppendPart[]): readonly Entry[] {
  let joined: Entry[] = [];
  for (const { entries } of parts) {
    const first = entries[0];
    const start = joined[0];
    if (first === undefined) continue;
    if (start === undefined || first.index <= start.index) joined = [...entries];
    else {
      joined.length = Math.min(joined.length, first.index - start.index);
      for (const entry of entries) joined.push(entry);
    }
  }
  return joined;
}
