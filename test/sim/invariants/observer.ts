import { assert } from '../../../src/base/assert.ts';
import type { Bytes } from '../../../src/base/bytes.ts';
import type { ConfState, Entry, MemberId, Message, RaftState } from '../../../src/raft/types.ts';
import type { MemberLoops } from '../../../src/server/loops.ts';
import type { ServerMember } from '../../../src/server/member.ts';
import { DatabaseLogStore } from '../../../src/storage/log-store.ts';
import { MemoryDatabase } from '../../../src/storage/memory-database.ts';
import type { MemoryRows } from '../../../src/storage/memory-database.ts';
import { DatabaseStateStore } from '../../../src/storage/state-store.ts';
import type { Database } from '../../../src/storage/database.ts';
import type { LogStore, StateStore, StoreState } from '../../../src/storage/types.ts';
import type { SimEvent, SimView } from '../types.ts';
import { DurableLog } from './durable-log.ts';
import { DurableStore } from './durable-store.ts';
import { shown } from './property.ts';
import type { Record } from './record.ts';
import type {
  AnsweredRange,
  AnsweredRead,
  AppliedEntry,
  Figures,
  LoggedEntry,
  Sight,
} from './sight.ts';
import { nothingNoted, Taps, type Notes } from './taps.ts';

/**
 * Looks at the member that an event names, once for all properties, and keeps what it saw last. The inside of a
 * member is read as it is; nothing of it is asked to do anything.
 */
export class Observer {
  private readonly record: Record;
  private readonly seen = new Map<string, MemberSight>();
  /** Of the last event; undefined when the member does not run. */
  sight: Sight | undefined;

  constructor(record: Record) {
    this.record = record;
  }

  /** The members that run, as they were seen last. */
  get members(): Iterable<Sight> {
    return this.seen.values();
  }

  look(event: SimEvent, view: SimView): void {
    const { name } = event;
    if (event.kind === 'start') this.record.isExempt = (each) => view.isExempt?.(each) === true;
    const shown = view.members.get(name);
    if (shown === undefined) {
      this.seen.delete(name);
      this.sight = undefined;
      return;
    }
    let sight = this.seen.get(name);
    if (sight === undefined || sight.member !== shown.member) {
      sight = new MemberSight(event, shown.member, this.record);
      this.seen.set(name, sight);
    } else sight.follow(event);
    sight.sent = view.takeSent(name);
    sight.gather();
    this.sight = sight;
  }
}

/** What was seen of one start of a member. The same object from event to event: nothing keeps it. */
class MemberSight implements Sight {
  event: SimEvent;
  shows = 0;
  readonly name: string;
  readonly id: MemberId;
  readonly clusterId: bigint;
  readonly incarnation: bigint;
  readonly member: ServerMember;
  readonly record: Record;
  isNew = true;
  isInstalled = false;
  before: SeenFigures;
  now: SeenFigures;
  log: DurableLog;
  store: DurableStore;
  sent: readonly Message[] = [];
  logged: LoggedEntry[] = [];
  handedOut: readonly Entry[] = [];
  applied: readonly AppliedEntry[] = [];
  deleted: readonly Bytes[] = [];
  reads: readonly AnsweredRead[] = [];
  ranges: readonly AnsweredRange[] = [];
  acknowledged: readonly number[] = [];
  private readonly loops: MemberLoops;
  private readonly taps: Taps;
  private logStore: LogStore;
  private storeState: StoreState | undefined;

  constructor(event: SimEvent, member: ServerMember, record: Record) {
    this.event = event;
    this.name = event.name;
    this.id = member.id;
    this.clusterId = member.clusterId;
    this.member = member;
    this.record = record;
    this.loops = member['loops'];
    this.incarnation = this.loops.parts.dataDir.identity.incarnation;
    this.taps = new Taps(member, record);
    this.before = new SeenFigures(this.loops);
    this.now = new SeenFigures(this.loops);
    const { log, store } = this.loops.parts.dataDir;
    this.logStore = log;
    this.log = this.openLog(log);
    this.store = new DurableStore(rowsOfStore(store));
  }

  follow(event: SimEvent): void {
    this.event = event;
    this.isNew = false;
    const { before } = this;
    this.before = this.now;
    this.now = before;
    this.now.take(this.loops);
  }

  /** Call after `sent` is known. */
  gather(): void {
    const { log, store } = this.loops.parts.dataDir;
    if (this.logged.length > 0) this.logged = [];
    this.isInstalled = this.logStore !== log;
    if (this.isInstalled) {
      this.logStore = log;
      this.log = this.openLog(log);
      this.store = new DurableStore(rowsOfStore(store));
    }
    const notes = this.taps.take();
    this.handedOut = notes.handedOut;
    this.applied = notes.applied;
    this.deleted = notes.deleted;
    this.reads = notes.reads;
    this.ranges = notes.ranges;
    this.acknowledged = notes.acknowledged;
    this.log.lastIndex = this.now.logLast;
    this.gatherWritten();
    if (this.sent.length > 0) this.gatherSent();
    this.shows = this.showing(notes);
  }

  private showing(notes: Notes): number {
    let shows = this.isNew ? shown.start | shown.figures : 0;
    if (this.event.kind === 'message') shows |= shown.message;
    if (this.now.differFrom(this.before)) shows |= shown.figures;
    if (this.sent.length > 0) shows |= shown.sent;
    if (this.logged.length > 0) shows |= shown.logged;
    if (this.isInstalled) shows |= shown.installed;
    const { state } = this.store;
    if (state !== this.storeState || this.isNew) shows |= shown.store;
    this.storeState = state;
    return notes === nothingNoted ? shows : shows | showingNotes(notes);
  }

  private openLog(log: LogStore): DurableLog {
    const durable = new DurableLog(rowsOfLog(log), this.clusterId);
    this.record.disks.set(this.id, durable);
    this.record.names.set(this.id, this.name);
    return durable;
  }

  /** Entries that the log has got since the last look, or all of it at a start. */
  private gatherWritten(): void {
    const { before, now, logStore } = this;
    const { logLast } = now;
    const isSame = logLast === before.logLast && now.logLastTerm === before.logLastTerm;
    if (isSame && !this.isNew && !this.isInstalled) return;
    const isLonger =
      logLast > before.logLast && logStore.term(before.logLast) === before.logLastTerm;
    const isGrown = isLonger && !this.isNew && !this.isInstalled;
    const from = isGrown ? Math.max(before.logLast + 1, now.logFirst) : now.logFirst;
    if (from > logLast) return;
    let previousTerm = logStore.term(from - 1) ?? 0;
    for (const entry of logStore.entries(from, logLast + 1, Number.MAX_SAFE_INTEGER)) {
      this.logged.push({ entry, previousTerm });
      previousTerm = entry.term;
    }
  }

  /** What a leader sends it has in its log, perhaps not yet on its disk. */
  private gatherSent(): void {
    for (const message of this.sent) {
      if (message.type !== 'MsgApp') continue;
      let previousTerm = message.logTerm;
      for (const entry of message.entries) {
        this.logged.push({ entry, previousTerm });
        previousTerm = entry.term;
      }
    }
  }
}

class SeenFigures implements Figures {
  term = 0;
  state: RaftState = 'follower';
  committed = 0;
  applied = 0;
  appliedTerm = 0;
  lastIndex = 0;
  confState: ConfState;
  revision = 0;
  compactRevision = 0;
  logFirst = 0;
  logLast = 0;
  logLastTerm = 0;
  isInstalling = false;

  constructor(loops: MemberLoops) {
    this.confState = loops.raft.confState;
    this.take(loops);
  }

  differFrom(other: Figures): boolean {
    return (
      this.term !== other.term ||
      this.state !== other.state ||
      this.committed !== other.committed ||
      this.applied !== other.applied ||
      this.lastIndex !== other.lastIndex ||
      this.confState !== other.confState ||
      this.revision !== other.revision ||
      this.compactRevision !== other.compactRevision ||
      this.logFirst !== other.logFirst ||
      this.logLast !== other.logLast ||
      this.logLastTerm !== other.logLastTerm ||
      this.isInstalling !== other.isInstalling
    );
  }

  take(loops: MemberLoops): void {
    const { raft, applyLoop, state } = loops;
    const { log } = loops.parts.dataDir;
    const { applied } = applyLoop;
    this.term = raft.term;
    this.state = raft.state;
    this.committed = raft.committed;
    this.applied = applied.index;
    this.appliedTerm = applied.term;
    this.lastIndex = raft.lastIndex;
    this.confState = raft.confState;
    this.revision = state.revisions.revision;
    this.compactRevision = state.revisions.compactRevision;
    this.logFirst = log.firstIndex();
    const logLast = log.lastIndex();
    this.logLast = logLast;
    this.logLastTerm = log.term(logLast) ?? 0;
    this.isInstalling = loops.isInstalling;
  }
}

function showingNotes(notes: Notes): number {
  let shows = 0;
  if (notes.handedOut.length > 0) shows |= shown.handedOut;
  if (notes.applied.length > 0) shows |= shown.applied;
  if (notes.deleted.length > 0) shows |= shown.deleted;
  if (notes.reads.length > 0) shows |= shown.reads;
  if (notes.ranges.length > 0) shows |= shown.ranges;
  if (notes.acknowledged.length > 0) shows |= shown.acknowledged;
  return shows;
}

function rowsOfLog(log: LogStore): MemoryRows {
  assert(log instanceof DatabaseLogStore, 'the log of a simulated member lies in a database');
  return rowsOf(log['db']);
}

function rowsOfStore(store: StateStore): MemoryRows {
  assert(store instanceof DatabaseStateStore, 'the store of a simulated member is a database');
  return rowsOf(store['db']);
}

function rowsOf(database: Database): MemoryRows {
  assert(database instanceof MemoryDatabase, 'a simulated member lies in memory');
  return database['rows'];
}
