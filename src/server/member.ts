import type { Bytes } from '../base/bytes.ts';
import type { Scheduler } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { evaluateReadTxn } from '../apply/txn.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { Logger } from '../host/logger.ts';
import type { Metrics } from '../host/metrics.ts';
import type { KvHash } from '../mvcc/compaction-hashes.ts';
import { IndexCompaction } from '../mvcc/compaction.ts';
import { wholeKeySpace } from '../mvcc/key-range.ts';
import type { SnapshotSink, Transport, TransportEvents } from '../peer/types.ts';
import type { RaftConfig } from '../raft/config.ts';
import { Raft } from '../raft/raft.ts';
import {
  noMember,
  type MemberId,
  type Message,
  type SnapshotMeta,
  type SoftState,
} from '../raft/types.ts';
import type { DataDir, StoreState } from '../storage/types.ts';
import { CommandKind, type Command } from '../wire/command.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../wire/kv.ts';
import { reloadAppliedState, type AppliedState, type AppliedStateLoader } from './applied-state.ts';
import { ApplyLoop, type AppliedPosition } from './apply-loop.ts';
import { Compactor } from './compactor.ts';
import { Exclusive } from './exclusive.ts';
import { hurryFirstElection } from './first-election.ts';
import { HashKvService } from './hash-kv.ts';
import { awaitLeader, awaitStepDown, bestTransferee } from './leader-transfer.ts';
import { Leadership } from './leadership.ts';
import { logInForce, truncateLog } from './log-window.ts';
import { memberMetrics, type MemberFigures, type MemberMetrics } from './metrics.ts';
import { peersOf } from './peers.ts';
import { Proposals } from './proposals.ts';
import { RaftLoop } from './raft-loop.ts';
import { openRangeStream, runRange, type RangeParts } from './ranges.ts';
import { ReadIndexQueue } from './read-index.ts';
import { Slicer } from './slicer.ts';
import { Snapshots } from './snapshots.ts';
import { StoreLoop } from './store-loop.ts';
import type { Done, Member, MemberInfo, MemberStatus, RangeStreamSource } from './types.ts';

/**
 * A running member: puts the loops together and shows them to the services as `Member`. Every effect is handed
 * in, so that the same code runs in production, under tests and in a simulator.
 */

/** Durations in milliseconds, sizes in bytes. */
export interface MemberSettings {
  readonly raft: Omit<RaftConfig, 'id' | 'random'>;
  readonly tickMs: number;
  readonly snapshotCatchupEntries: number;
  /** What the store may hold; negative is no limit. */
  readonly quotaBytes: number;
  readonly maxRequestBytes: number;
  readonly commitIntervalMs: number;
  readonly commitRowsMax: number;
  readonly compactionBatchLimit: number;
  readonly compactionSleepIntervalMs: number;
  readonly warningApplyDurationMs: number;
}

export interface MemberHost {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Random for each start of the process: tells its proposals and reads from those of an earlier one. */
  readonly nonce: number;
}

export interface MemberParts {
  readonly dataDir: DataDir;
  /** Has seen every row of the store while it was opened. */
  readonly loader: AppliedStateLoader;
  readonly settings: MemberSettings;
  readonly host: MemberHost;
  readonly openTransport: (events: TransportEvents) => Transport;
  /** The peers refuse this member for good, or an invariant broke: it must stop. */
  readonly onFatal: (reason: string) => void;
}

/** Committed entries not applied yet, beyond which proposals are refused (etcd v3_server.go). */
const applyGapMax = 5000;
/** etcd's ReqTimeout: this, and two election timeouts. */
const requestTimeoutBaseMs = 5000;

export class ServerMember implements Member, TransportEvents {
  readonly id: MemberId;
  readonly clusterId: bigint;
  private readonly parts: MemberParts;
  private readonly raft: Raft;
  private readonly transport: Transport;
  private readonly leadership: Leadership;
  private readonly raftLoop: RaftLoop;
  private readonly storeLoop: StoreLoop;
  private readonly applyLoop: ApplyLoop;
  private readonly proposals: Proposals;
  private readonly reads: ReadIndexQueue;
  private readonly slicer: Slicer;
  private readonly exclusive = new Exclusive();
  private readonly hashes: HashKvService;
  private readonly snapshots: Snapshots;
  private readonly counters: MemberMetrics;
  private readonly requestTimeoutMs: number;
  private compactor: Compactor;
  private state: AppliedState;
  /** The compact revision before the newest compaction: a hash kept for that one names it. */
  private compactRevision: number;
  /** A received snapshot is taking the place of the store: nothing can be read. */
  private isInstalling = false;
  private isStopped = false;

  constructor(parts: MemberParts) {
    this.parts = parts;
    const { dataDir, settings, host } = parts;
    const { memberId, clusterId } = dataDir.identity;
    const { scheduler } = host;
    this.id = memberId;
    this.clusterId = clusterId;
    const electionTimeoutMs = settings.raft.electionTicks * settings.tickMs;
    this.requestTimeoutMs = requestTimeoutBaseMs + 2 * electionTimeoutMs;
    this.leadership = new Leadership(scheduler, memberId, electionTimeoutMs);
    this.slicer = new Slicer(scheduler, () => this.raftLoop.isBusy);
    this.counters = memberMetrics(host.metrics, this.figures());
    this.storeLoop = this.openStoreLoop();
    this.state = parts.loader.finish(dataDir.store, this.storeLoop);
    this.compactRevision = this.state.revisions.compactRevision;
    this.transport = parts.openTransport(this);
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
    this.applyLoop = this.openApplyLoop({ index: appliedIndex, term: appliedTerm, confState });
    this.hashes = this.openHashes();
    this.snapshots = this.openSnapshots();
    this.compactor = this.openCompactor();
  }

  start(): void {
    this.transport.setPeers(peersOf(this.state.membership, this.id));
    this.raftLoop.start();
    this.resumeCompaction();
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

  get hasStopped(): boolean {
    return this.isStopped;
  }

  /** Before a planned stop: a leader hands leadership to the voter that has most of the log, if one takes it. */
  handOver(done: () => void): void {
    const target = bestTransferee(this.raft.status());
    if (!this.isLeader || target === noMember) {
      done();
      return;
    }
    const { leadership, parts } = this;
    const timeoutMs = parts.settings.raft.electionTicks * parts.settings.tickMs;
    awaitStepDown({ leadership, scheduler: parts.host.scheduler, timeoutMs }, done);
    this.raftLoop.transferLeadership(target);
  }

  /** Stops at once; nothing is flushed, for what matters is in the log already. `done` follows the last write. */
  stop(done: () => void): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.raftLoop.stop();
    this.slicer.stop();
    this.exclusive.pause();
    this.compactor.stop();
    this.snapshots.stop();
    this.hashes.abandon(errors.stopped);
    this.proposals.failAll(errors.stopped);
    this.reads.failAll();
    this.storeLoop.stop();
    this.transport.close(() => this.parts.dataDir.close(done));
  }

  // What the services see.

  get revision(): number {
    return this.state.revisions.revision;
  }

  get term(): number {
    return this.raft.term;
  }

  get lead(): MemberId {
    return this.leadership.lead;
  }

  get isLeader(): boolean {
    return this.leadership.isLeader;
  }

  get isLearner(): boolean {
    return this.state.membership.get(this.id)?.isLearner ?? false;
  }

  onLeaderChange(listener: () => void): () => void {
    return this.leadership.onChange(listener);
  }

  propose(kind: CommandKind, request: Bytes, done: Done<AppliedResponse>): void {
    const refused = this.refusal(request);
    if (refused !== undefined) {
      this.counters.proposalsFailed.add();
      done(failed(refused));
      return;
    }
    this.proposals.propose(kind, request, done);
  }

  readIndex(done: Done<undefined>): void {
    if (this.isStopped) done(failed(errors.stopped));
    else this.reads.wait(done);
  }

  range(request: RangeRequest, done: Done<RangeResponse>): void {
    this.counters.ranges.add();
    runRange(this.rangeParts(), request, done);
  }

  rangeStream(request: RangeRequest): RangeStreamSource {
    this.counters.ranges.add();
    return openRangeStream(this.rangeParts(), request);
  }

  readTxn(request: TxnRequest): Outcome<TxnResponse> {
    if (this.isInstalling) return failed(errors.timeout);
    return evaluateReadTxn(this.state.revisions, request);
  }

  whenCompacted(done: () => void): void {
    this.compactor.whenIdle(done);
  }

  hashKv(revision: number, done: Done<KvHash>): void {
    this.hashes.hashKv(revision, done);
  }

  hash(done: Done<number>): void {
    this.hashes.hash(done);
  }

  defragment(done: Done<undefined>): void {
    const isTaken = this.exclusive.maybeRun((release) => {
      this.parts.dataDir.store.defragment(() => {
        release();
        done(ok(undefined));
      });
    });
    if (!isTaken) done(failed(errors.tooManyRequests));
  }

  moveLeader(target: MemberId, done: Done<undefined>): void {
    const member = this.state.membership.get(target);
    if (!this.isLeader) done(failed(errors.notLeader));
    else if (member === undefined || member.isLearner) done(failed(errors.badLeaderTransferee));
    else this.transferTo(target, done);
  }

  status(): MemberStatus {
    const { store } = this.parts.dataDir;
    return {
      lead: this.lead,
      isLearner: this.isLearner,
      raftTerm: this.raft.term,
      raftIndex: this.raft.committed,
      raftAppliedIndex: this.applyLoop.applied.index,
      revision: this.revision,
      compactRevision: this.state.revisions.compactRevision,
      dbSize: store.sizes.dbSize,
      dbSizeInUse: store.sizes.dbSizeInUse,
      dbSizeQuota: this.parts.settings.quotaBytes,
    };
  }

  members(): readonly MemberInfo[] {
    return this.state.membership.list();
  }

  // What the transport brings.

  received(messages: readonly Message[]): void {
    if (!this.isStopped) this.raftLoop.received(messages);
  }

  unreachable(memberId: MemberId): void {
    if (!this.isStopped) this.raftLoop.reportUnreachable(memberId);
  }

  snapshotSent(memberId: MemberId, isDelivered: boolean): void {
    if (!this.isStopped) this.snapshots.sent(memberId, isDelivered);
  }

  snapshotOffered(from: MemberId, snapshot: SnapshotMeta, term: number): SnapshotSink | string {
    return this.isStopped ? 'the member is stopping' : this.snapshots.offered(from, snapshot, term);
  }

  refused(memberId: MemberId, reason: string, isFinal: boolean): void {
    const { host, onFatal } = this.parts;
    host.logger.log(isFinal ? 'fatal' : 'warn', 'a peer link was refused', {
      'remote-peer-id': memberId.toString(16),
      reason,
    });
    if (isFinal) onFatal(reason);
  }

  /** Why a proposal is not even taken, or undefined. */
  private refusal(request: Bytes): EtcdError | undefined {
    const { settings, dataDir } = this.parts;
    if (this.isStopped) return errors.stopped;
    if (this.raft.committed - this.applyLoop.applied.index > applyGapMax)
      return errors.tooManyRequests;
    if (request.length > settings.maxRequestBytes) return errors.requestTooLarge;
    return dataDir.isSpaceLow ? errors.noSpace : undefined;
  }

  private rangeParts(): RangeParts {
    const { slicer, state } = this;
    return {
      slicer,
      scheduler: this.parts.host.scheduler,
      store: state.revisions,
      isInForce: () => !this.isInstalling && this.state === state,
      chunkBytes: this.parts.settings.maxRequestBytes,
    };
  }

  private transferTo(target: MemberId, done: Done<undefined>): void {
    const { scheduler } = this.parts.host;
    awaitLeader(
      { target, leadership: this.leadership, scheduler, timeoutMs: this.requestTimeoutMs },
      done,
    );
    this.raftLoop.transferLeadership(target);
  }

  // How the loops are put together.

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
        snapshotWanted: (to) => this.snapshots.wanted(to),
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
      timeoutError: (startedMs) => {
        this.counters.proposalsFailed.add();
        const { voters } = this.applyLoop.applied.confState;
        return this.leadership.timeoutError(startedMs, this.transport, voters);
      },
    });
  }

  private openReads(): ReadIndexQueue {
    const { scheduler, nonce } = this.parts.host;
    return new ReadIndexQueue(
      {
        scheduler,
        timeoutMs: this.requestTimeoutMs,
        wake: () => this.raftLoop.wake(),
        appliedIndex: () => this.applyLoop.applied.index,
        onSlow: () => this.counters.slowReadIndexes.add(),
        onFailed: () => this.counters.readIndexesFailed.add(),
      },
      nonce * readContextsPerStart,
    );
  }

  private openApplyLoop(position: AppliedPosition): ApplyLoop {
    const { scheduler } = this.parts.host;
    return new ApplyLoop(this.state.machine, position, {
      scheduler,
      slicer: this.slicer,
      storeLoop: this.storeLoop,
      proposals: this.proposals,
      applyConfChange: (change) => this.raftLoop.applyConfChange(change),
      onMembersChanged: () => this.transport.setPeers(peersOf(this.state.membership, this.id)),
      onCompaction: (revision) => {
        const fold = this.hashes.openCompactionFold(this.compactRevision);
        this.compactor.schedule({ revision, fold });
        this.compactRevision = revision;
      },
      onApplied: (index) => {
        this.raftLoop.applied(index);
        this.reads.appliedUpTo(index);
      },
      applyTook: (command, durationMs) => this.applyTook(command, durationMs),
    });
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
      hashBefore: (fold, done) => this.hashes.hashBefore(fold, done),
    });
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
        this.applyLoop.pause();
        this.exclusive.pause();
        this.compactor.stop();
        this.hashes.abandon(errors.timeout);
        this.counters.snapshotApplies.set(1);
      },
      installed: (snapshot) => this.installed(snapshot),
    });
  }

  /** Everything that was applied is now what the received store says. */
  private installed(snapshot: SnapshotMeta): void {
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
      this.transport.setPeers(peersOf(this.state.membership, this.id));
      this.reads.appliedUpTo(index);
      this.counters.snapshotApplies.set(0);
      this.resumeCompaction();
      for (const done of waited) this.compactor.whenIdle(done);
      this.exclusive.resume();
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
