import { IndexCompaction } from '../mvcc/compaction.ts';
import { wholeKeySpace } from '../mvcc/key-range.ts';
import type { PutRow } from '../mvcc/types.ts';
import type { Transport, TransportEvents } from '../peer/types.ts';
import { Raft } from '../raft/raft.ts';
import { noMember, type MemberId, type SnapshotMeta, type SoftState } from '../raft/types.ts';
import type { StoreState } from '../storage/types.ts';
import { CommandKind, type Command } from '../wire/command.ts';
import { errors, type EtcdError } from '../wire/errors.ts';
import { reloadAppliedState, type AppliedState } from './applied-state.ts';
import { ApplyLoop, type AppliedPosition } from './apply-loop.ts';
import { Compactor } from './compactor.ts';
import { Exclusive } from './exclusive.ts';
import { hurryFirstElection } from './first-election.ts';
import { HashKvService } from './hash-kv.ts';
import { IndexCheckpointer } from './index-checkpointer.ts';
import { Leadership } from './leadership.ts';
import { leaseMetrics } from './lease-metrics.ts';
import { LeaseService } from './lease-service.ts';
import { logInForce, truncateLog } from './log-window.ts';
import { memberMetrics, type MemberFigures, type MemberMetrics } from './metrics.ts';
import { goneFrom, mustAgree, peersOf } from './peers.ts';
import { Proposals } from './proposals.ts';
import { RaftLoop } from './raft-loop.ts';
import { ReadIndexQueue } from './read-index.ts';
import type { Departure } from './departure.ts';
import type { Reconfiguration } from './reconfiguration.ts';
import { openDeparture, openReconfiguration } from './reconfiguration-wiring.ts';
import { Slicer } from './slicer.ts';
import { Snapshots } from './snapshots.ts';
import { putBytesOf, spaceMetrics, type SpaceMetrics } from './space-metrics.ts';
import { StoreLoop } from './store-loop.ts';
import { openWatchHub, type WatchHub } from './watch-hub.ts';
import type { MemberParts } from './member-parts.ts';

/**
 * The loops of a member and how they are put together: what Raft asks goes to log, transport and apply loop; what
 * was applied goes to the store; what is known goes to reads and proposals. Who may ask for what is in member.ts.
 */

/** etcd's ReqTimeout: this, and two election timeouts. */
const requestTimeoutBaseMs = 5000;

export class MemberLoops {
  readonly id: MemberId;
  readonly parts: MemberParts;
  readonly raft: Raft;
  readonly transport: Transport;
  readonly leadership: Leadership;
  readonly raftLoop: RaftLoop;
  readonly storeLoop: StoreLoop;
  readonly applyLoop: ApplyLoop;
  readonly proposals: Proposals;
  readonly reads: ReadIndexQueue;
  readonly leases: LeaseService;
  readonly slicer: Slicer;
  /** For what reads the applied state: it is held while an entry is half applied. */
  readonly readSlicer: Slicer;
  readonly exclusive = new Exclusive();
  readonly hashes: HashKvService;
  readonly snapshots: Snapshots;
  readonly watches: WatchHub;
  readonly counters: MemberMetrics;
  readonly space: SpaceMetrics;
  readonly requestTimeoutMs: number;
  readonly reconfiguration: Reconfiguration;
  readonly departure: Departure;
  readonly checkpointer: IndexCheckpointer;
  compactor: Compactor;
  state: AppliedState;
  /** The compact revision before the newest compaction: a hash kept for that one names it. */
  private compactRevision: number;
  /** A received snapshot is taking the place of the store: nothing can be read. */
  isInstalling = false;
  isStopped = false;

  constructor(parts: MemberParts, events: TransportEvents) {
    this.parts = parts;
    const { dataDir, settings, host } = parts;
    const { memberId } = dataDir.identity;
    const { scheduler } = host;
    this.id = memberId;
    const electionTimeoutMs = settings.raft.electionTicks * settings.tickMs;
    this.requestTimeoutMs = requestTimeoutBaseMs + 2 * electionTimeoutMs;
    this.leadership = new Leadership(scheduler, memberId, electionTimeoutMs);
    this.slicer = new Slicer(scheduler, () => this.raftLoop.isBusy);
    this.readSlicer = new Slicer(scheduler, () => this.raftLoop.isBusy);
    this.counters = memberMetrics(host.metrics, this.figures());
    this.space = spaceMetrics(host.metrics);
    this.storeLoop = this.openStoreLoop();
    this.state = parts.loader.finish(dataDir.store, this.storeLoop);
    this.compactRevision = this.state.revisions.compactRevision;
    this.transport = parts.openTransport(events);
    const { appliedIndex, appliedTerm, confState } = dataDir.store.state;
    this.raft = new Raft(
      { ...settings.raft, id: memberId, random: host.random },
      logInForce(dataDir),
      {
        hardState: dataDir.log.hardState,
        confState,
        applied: appliedIndex,
      },
    );
    this.raftLoop = this.openRaftLoop();
    this.proposals = this.openProposals();
    this.reads = this.openReads();
    this.leases = this.openLeases();
    this.applyLoop = this.openApplyLoop({ index: appliedIndex, term: appliedTerm, confState });
    this.hashes = this.openHashes();
    this.snapshots = this.openSnapshots();
    this.compactor = this.openCompactor();
    this.checkpointer = this.openCheckpointer();
    this.watches = openWatchHub(parts, this, this);
    this.reconfiguration = openReconfiguration(this);
    this.departure = openDeparture(this);
  }

  start(): void {
    this.membersChanged();
    this.raftLoop.start();
    this.resumeCompaction();
    this.checkpointer.start();
    hurryFirstElection({
      scheduler: this.parts.host.scheduler,
      tickMs: this.parts.settings.tickMs,
      electionTicks: this.parts.settings.raft.electionTicks,
      isOver: () => this.isStopped || this.leadership.hasLeader,
      members: () => this.state.membership.list().length,
      hasCompany: () => this.transport.activePeers(Number.MAX_SAFE_INTEGER).size > 0,
      advanceTicks: (count) => this.raftLoop.advanceTicks(count),
    });
  }

  /** Stops at once; nothing is flushed, for what matters is in the log already. `done` follows the last write. */
  stop(done: () => void): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.raftLoop.stop();
    this.slicer.stop();
    this.readSlicer.stop();
    this.exclusive.pause();
    this.compactor.stop();
    this.checkpointer.stop();
    this.snapshots.stop();
    this.hashes.abandon(errors.stopped);
    this.proposals.failAll(errors.stopped);
    this.reconfiguration.failAll(errors.stopped);
    this.reads.failAll();
    this.leases.end();
    this.storeLoop.stop();
    this.transport.close(() => this.parts.dataDir.close(done));
  }

  /** Whether the rows of `state` can be read. */
  isServing(state: AppliedState): boolean {
    return !this.isStopped && !this.isInstalling && this.state === state;
  }

  private membersChanged(): void {
    const { membership } = this.state;
    const { index, confState } = this.applyLoop.applied;
    mustAgree(membership, confState);
    const gone = goneFrom(membership, confState);
    this.transport.setPeers(peersOf(membership), gone);
    this.reconfiguration.membersChanged();
    if (gone.has(this.id)) this.departure.begin(index);
  }

  private openStoreLoop(): StoreLoop {
    const { dataDir, settings, host } = this.parts;
    return new StoreLoop(dataDir.store, {
      scheduler: host.scheduler,
      intervalMs: settings.commitIntervalMs,
      rowsMax: settings.commitRowsMax,
      currentState: () => this.storeState(),
      logSyncedIndex: () => this.raftLoop.syncedIndex,
      onCommitted: (state) => this.committed(state),
      commitTook: (durationMs) => this.counters.storeCommit.observe(durationMs / 1000),
      arenaBytesMax: settings.rowArenaBytes,
    });
  }

  private storeState(): StoreState {
    const { index, term, confState } = this.applyLoop.applied;
    const { revision, compactRevision } = this.state.revisions;
    return {
      appliedIndex: index,
      appliedTerm: term,
      revision,
      compactRevision,
      scheduledCompaction: this.compactor.scheduled,
      confState,
    };
  }

  /** The store is durable up to here: applying may go on, and the log need not reach back so far. */
  private committed({ appliedIndex }: StoreState): void {
    const { dataDir, settings } = this.parts;
    this.applyLoop.run();
    truncateLog(dataDir.log, {
      appliedIndex,
      catchupEntries: settings.snapshotCatchupEntries,
      heldIndex: this.snapshots.heldIndex,
    });
  }

  private openRaftLoop(): RaftLoop {
    const { dataDir, settings, host } = this.parts;
    const { raft, transport } = this;
    const { log } = dataDir;
    const { scheduler } = host;
    return new RaftLoop(
      { raft, log, transport, scheduler, tickMs: settings.tickMs },
      {
        committed: (entries) => this.applyLoop.enqueue(entries),
        proposalsDropped: (data) => this.proposals.dropped(data),
        takeReadContext: () => this.reads.takeContext(),
        readConfirmed: (states) => this.reads.readConfirmed(states),
        readDropped: (contexts) => this.reads.readDropped(contexts),
        leaderChanged: (soft) => this.leaderChanged(soft),
        logSynced: () => this.storeLoop.logSynced(),
        snapshotWanted: (to, term) => this.snapshots.wanted(to, term),
        snapshotAccepted: (snapshot, hardState) => this.snapshots.accepted(snapshot, hardState),
        appendTook: (durationMs) => this.counters.logSync.observe(durationMs / 1000),
      },
    );
  }

  private leaderChanged(soft: SoftState): void {
    const isNew = this.leadership.update(soft);
    const { lead } = soft;
    this.parts.host.logger.log(
      'info',
      lead === noMember ? 'lost the leader' : 'a leader is known',
      {
        lead: lead.toString(16),
        state: soft.state,
        term: this.raft.term,
      },
    );
    this.leases.leaderChanged();
    if (!isNew) return;
    this.counters.leaderChanges.add();
    this.proposals.leaderKnown();
    this.reads.leaderKnown();
  }

  private openProposals(): Proposals {
    const { scheduler, nonce } = this.parts.host;
    return new Proposals({
      memberId: this.id,
      nonce,
      scheduler,
      timeoutMs: this.requestTimeoutMs,
      submit: (data) => this.raftLoop.propose(data),
      hasLeader: () => this.leadership.hasLeader,
      raftTerm: () => this.raft.term,
      timeoutError: (startedMs) => this.timeoutError(startedMs),
    });
  }

  /** etcd's text for a proposal that was not applied in time. */
  timeoutError(startedMs: number): EtcdError {
    this.counters.proposalsFailed.add();
    const { voters } = this.applyLoop.applied.confState;
    return this.leadership.timeoutError(startedMs, this.transport, voters);
  }

  private openReads(): ReadIndexQueue {
    const { scheduler, nonce } = this.parts.host;
    return new ReadIndexQueue(
      {
        scheduler,
        timeoutMs: this.requestTimeoutMs,
        wake: () => this.raftLoop.wake(),
        appliedIndex: () => this.applyLoop.applied.index,
        prefetch: (keys) => this.state.revisions.prefetch(keys),
        onSlow: () => this.counters.slowReadIndexes.add(),
        onFailed: () => this.counters.readIndexesFailed.add(),
      },
      nonce * readContextsPerStart,
    );
  }

  private openLeases(): LeaseService {
    const { settings, host } = this.parts;
    return new LeaseService({
      scheduler: host.scheduler,
      unixTimeMs: host.unixTimeMs,
      random: host.random,
      slicer: this.readSlicer,
      metrics: leaseMetrics(host.metrics),
      extendMs: settings.raft.electionTicks * settings.tickMs,
      checkpointIntervalMs: settings.leaseCheckpointIntervalMs,
      leases: () => this.state.leases,
      isLeader: () => this.raft.state === 'leader',
      raftTerm: () => this.raft.term,
      appliedTerm: () => this.applyLoop.applied.term,
      isSettled: () =>
        this.applyLoop.applied.index === this.raft.committed && !this.raft.hasOfferedLeadership,
      confirm: (done) => this.reads.wait(done),
      propose: (kind, request, done) => this.proposals.propose(kind, request, done),
    });
  }

  private openApplyLoop(position: AppliedPosition): ApplyLoop {
    const { scheduler } = this.parts.host;
    return new ApplyLoop(this.state.machine, position, {
      scheduler,
      slicer: this.slicer,
      storeLoop: this.storeLoop,
      proposals: this.proposals,
      applyConfChange: (change) => this.raftLoop.applyConfChange(change),
      onMembersChanged: () => this.membersChanged(),
      onConfChange: (change, outcome) => this.reconfiguration.applied(change, outcome),
      onCompaction: (revision) => {
        const fold = this.hashes.openCompactionFold(this.compactRevision);
        this.compactor.schedule({ revision, fold });
        this.compactRevision = revision;
      },
      onApplied: (index) => {
        this.raftLoop.applied(index);
        this.proposals.appliedUpTo(this.applyLoop.applied.term);
        this.leases.appliedSome();
        this.reads.appliedUpTo(index);
      },
      onHalfApplied: (isHalf) => {
        if (isHalf) this.readSlicer.hold();
        else this.readSlicer.release();
        this.watches.setHalfApplied(isHalf);
      },
      onRows: (rows) => this.rowsApplied(rows),
      onChanged: ({ rows, changes }, command) => {
        this.rowsApplied(rows);
        this.leases.applied(changes, command?.kind);
      },
      applyTook: (command, durationMs) => this.applyTook(command, durationMs),
    });
  }

  private rowsApplied(rows: readonly PutRow[]): void {
    this.space.putBytes.add(putBytesOf(rows));
    this.watches.changed(rows);
  }

  private applyTook({ kind }: Command, durationMs: number): void {
    const { counters, parts } = this;
    if (kind === CommandKind.put) counters.puts.add();
    else if (kind === CommandKind.deleteRange) counters.deletes.add();
    else if (kind === CommandKind.txn) counters.txns.add();
    const expectedMs = parts.settings.warningApplyDurationMs;
    if (durationMs <= expectedMs) return;
    counters.slowApplies.add();
    parts.host.logger.log('warn', 'apply request took too long', {
      took: `${durationMs.toFixed(3)}ms`,
      'expected-duration': `${expectedMs}ms`,
    });
  }

  private openHashes(): HashKvService {
    return new HashKvService({
      exclusive: this.exclusive,
      storeLoop: this.storeLoop,
      store: () => this.parts.dataDir.store,
      revisions: () => this.state.revisions,
      scheduler: this.parts.host.scheduler,
      readSlicer: this.readSlicer,
      took: (what, durationMs) => this.space[what].observe(durationMs / 1000),
    });
  }

  private openCompactor(): Compactor {
    const { settings, host } = this.parts;
    return new Compactor({
      scheduler: host.scheduler,
      exclusive: this.exclusive,
      storeLoop: this.storeLoop,
      batchLimit: settings.compactionBatchLimit,
      sleepIntervalMs: settings.compactionSleepIntervalMs,
      open: (revision) => new IndexCompaction(this.state.revisions, revision),
      deleted: (rows) => this.space.compactedRows.add(rows),
      took: (durationMs) => this.space.compaction.observe(durationMs),
      hashBefore: (fold, done) => this.hashes.hashBefore(fold, done),
    });
  }

  private openCheckpointer(): IndexCheckpointer {
    const { dataDir, loader, settings, host, onFatal } = this.parts;
    return new IndexCheckpointer(
      {
        settings: settings.indexCheckpoint,
        scheduler: host.scheduler,
        logger: host.logger,
        dataDir,
        storeLoop: this.storeLoop,
        slicer: this.readSlicer,
        state: () => this.state,
        appliedIndex: () => this.applyLoop.applied.index,
        isCompacting: () => this.compactor.scheduled !== -1,
        isServing: () => this.isServing(this.state),
        failed: (reason) => {
          if (this.isStopped) return;
          host.logger.log('fatal', 'the index is not what the store holds', { reason });
          onFatal(reason);
        },
      },
      loader.checkpointRevision,
    );
  }

  private openSnapshots(): Snapshots {
    return new Snapshots({
      id: this.id,
      dataDir: this.parts.dataDir,
      scheduler: this.parts.host.scheduler,
      storeLoop: this.storeLoop,
      term: () => this.raft.term,
      pendingIndex: () => this.raft.pendingSnapshotIndex,
      raftLoop: () => this.raftLoop,
      transport: () => this.transport,
      beforeInstall: () => {
        this.isInstalling = true;
        this.reads.hold();
        this.applyLoop.pause();
        this.watches.pause();
        this.exclusive.pause();
        this.compactor.stop();
        this.checkpointer.abandon();
        this.hashes.abandon(errors.timeout);
        this.counters.snapshotApplies.set(1);
      },
      installed: (snapshot, done) => this.installed(snapshot, done),
    });
  }

  /** Everything that was applied is now what the received store says. */
  private installed(snapshot: SnapshotMeta, readyForNext: () => void): void {
    if (this.isStopped) return;
    const { store } = this.parts.dataDir;
    this.storeLoop.replaceStore(store);
    reloadAppliedState(store, this.storeLoop, (state) => {
      const { appliedIndex: index, appliedTerm: term, confState } = store.state;
      this.state = state;
      this.isInstalling = false;
      this.compactRevision = state.revisions.compactRevision;
      this.hashes.forget();
      const waited = this.compactor.takeWaiters();
      this.compactor = this.openCompactor();
      this.applyLoop.restart(state.machine, { index, term, confState });
      this.raftLoop.snapshotInstalled(snapshot, this.parts.dataDir.log);
      this.watches.replaceStore(state.revisions);
      this.membersChanged();
      this.reads.release();
      this.counters.snapshotApplies.set(0);
      this.resumeCompaction();
      for (const done of waited) this.compactor.whenIdle(done);
      this.exclusive.resume();
      readyForNext();
    });
  }

  private resumeCompaction(): void {
    const { scheduledCompaction: revision } = this.parts.dataDir.store.state;
    if (revision !== -1) this.compactor.schedule({ revision, fold: undefined });
  }

  private figures(): MemberFigures {
    return {
      committed: () => this.raft.committed,
      applied: () => this.applyLoop.applied.index,
      pending: () => this.proposals.count,
      keys: () => this.state.revisions.count(wholeKeySpace),
    };
  }
}

/** Contexts of one process are counted up from its nonce times this. */
const readContextsPerStart = 2 ** 20;
