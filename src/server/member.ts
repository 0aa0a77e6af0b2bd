import { assert } from '../base/assert.ts';
import { emptyBytes, type Bytes } from '../base/bytes.ts';
import type { AppliedResponse } from '../apply/types.ts';
import type { MemberRecord } from '../membership/record.ts';
import type { KvHash } from '../mvcc/compaction-hashes.ts';
import type { Answer, LeaseTimes, Question, SnapshotSink, TransportEvents } from '../peer/types.ts';
import { noMember, type MemberId, type Message, type SnapshotMeta } from '../raft/types.ts';
import { CommandKind } from '../wire/command.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { AlarmMember } from '../wire/maintenance.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../wire/kv.ts';
import { answerQuestion } from './answers.ts';
import { defragment } from './defragment.ts';
import { awaitLeader, awaitStepDown, bestTransferee } from './leader-transfer.ts';
import { LeaderQuestions } from './leader-questions.ts';
import {
  openRangeStream,
  runRange,
  runRangeToSend,
  runReadTxn,
  type RangeParts,
} from './ranges.ts';
import type {
  AddedMember,
  Done,
  LeaseDescription,
  Member,
  MemberInfo,
  MemberStatus,
  RangeStreamSource,
  RangeToSend,
  WatchReceiver,
  Watches,
} from './types.ts';
import { MemberLoops } from './loops.ts';
import { Upkeep } from './upkeep.ts';
import { updateMember } from './reconfiguration-update.ts';
import type { MemberParts } from './member-parts.ts';

/**
 * A running member as the services and the transport see it; what drives it is in loops.ts. The same code runs in
 * production, under tests and in a simulator.
 */

/** Committed entries not applied yet, beyond which proposals are refused (etcd v3_server.go). */
const applyGapMax = 5000;

export class ServerMember implements Member, TransportEvents {
  readonly id: MemberId;
  readonly clusterId: bigint;
  private readonly parts: MemberParts;
  private readonly loops: MemberLoops;
  private readonly upkeep: Upkeep;
  private readonly questions: LeaderQuestions;
  /** Before, it answers questions, but takes no part in anything. */
  private isStarted = false;

  constructor(parts: MemberParts) {
    this.parts = parts;
    this.id = parts.dataDir.identity.memberId;
    this.clusterId = parts.dataDir.identity.clusterId;
    this.loops = new MemberLoops(parts, this);
    this.upkeep = new Upkeep(this.loops);
    this.questions = this.openQuestions();
  }

  /** To be called before `start`, if at all: answers why this member must not start, or undefined. */
  checkInitially(done: (problem: string | undefined) => void): void {
    this.upkeep.checkInitially(done);
  }

  start(): void {
    this.isStarted = true;
    this.loops.start();
    this.upkeep.start();
  }

  get hasStopped(): boolean {
    return this.loops.isStopped;
  }

  /** Before a planned stop: a leader hands leadership to the voter that has most of the log, if one takes it. */
  handOver(done: () => void): void {
    const target = bestTransferee(this.loops.raft.status());
    if (!this.isLeader || target === noMember) {
      done();
      return;
    }
    const { leadership } = this.loops;
    const { settings, host } = this.parts;
    const timeoutMs = settings.raft.electionTicks * settings.tickMs;
    awaitStepDown({ leadership, scheduler: host.scheduler, timeoutMs }, done);
    this.loops.raftLoop.transferLeadership(target);
  }

  /** Before a planned stop: writes what shortens the next start, if it is worth it and takes no longer than it may. */
  saveIndex(done: () => void): void {
    this.loops.checkpointer.beforeStop(done);
  }

  /** Stops at once; nothing is flushed, for what matters is in the log already. `done` follows the last write. */
  stop(done: () => void): void {
    this.questions.stop();
    this.upkeep.stop();
    this.loops.stop(done);
  }

  // What the services see.

  get revision(): number {
    return this.loops.state.revisions.revision;
  }

  get term(): number {
    return this.loops.raft.term;
  }

  get lead(): MemberId {
    return this.loops.leadership.lead;
  }

  get isLeader(): boolean {
    return this.loops.leadership.isLeader;
  }

  get isLearner(): boolean {
    return this.loops.state.membership.get(this.id)?.isLearner ?? false;
  }

  propose(kind: CommandKind, request: Bytes, done: Done<AppliedResponse>): void {
    const refused = this.refusal(kind, request);
    if (refused !== undefined) {
      this.loops.counters.proposalsFailed.add();
      done(failed(refused));
    } else if (this.upkeep.quota.fits(kind, request)) {
      this.loops.proposals.propose(kind, request, done);
    } else this.upkeep.quota.exceeded(() => done(failed(errors.noSpace)));
  }

  readIndex(done: Done<undefined>, key?: Bytes): void {
    if (this.loops.isStopped) done(failed(errors.stopped));
    else this.loops.reads.wait(done, key);
  }

  whenReadable(done: Done<undefined>, key?: Bytes): void {
    if (this.loops.isStopped) done(failed(errors.stopped));
    else this.loops.reads.waitForTurn(done, key);
  }

  range(request: RangeRequest, done: Done<RangeResponse>): void {
    this.loops.counters.ranges.add();
    runRange(this.rangeParts(), request, done);
  }

  rangeToSend(request: RangeRequest, done: Done<RangeToSend>): void {
    this.loops.counters.ranges.add();
    runRangeToSend(this.rangeParts(), request, done);
  }

  rangeStream(request: RangeRequest): RangeStreamSource {
    this.loops.counters.ranges.add();
    return openRangeStream(this.rangeParts(), request);
  }

  readTxn(request: TxnRequest, done: Done<TxnResponse>): void {
    runReadTxn(this.rangeParts(), request, done);
  }

  whenCompacted(done: () => void): void {
    this.loops.compactor.whenIdle(done);
  }

  hashKv(revision: number, done: Done<KvHash>): void {
    this.loops.hashes.hashKv(revision, done);
  }

  hash(done: Done<number>): void {
    this.loops.hashes.hash(done);
  }

  defragment(done: Done<undefined>): void {
    defragment(this.loops, done);
  }

  moveLeader(target: MemberId, done: Done<undefined>): void {
    const member = this.loops.state.membership.get(target);
    if (!this.isLeader) done(failed(errors.notLeader));
    else if (member === undefined || member.isLearner) done(failed(errors.badLeaderTransferee));
    else this.transferTo(target, done);
  }

  status(): MemberStatus {
    const { store } = this.parts.dataDir;
    return {
      lead: this.lead,
      isLearner: this.isLearner,
      raftTerm: this.loops.raft.term,
      raftIndex: this.loops.raft.committed,
      raftAppliedIndex: this.loops.applyLoop.applied.index,
      revision: this.revision,
      compactRevision: this.loops.state.revisions.compactRevision,
      dbSize: store.sizes.dbSize,
      dbSizeInUse: store.sizes.dbSizeInUse,
      dbSizeQuota: this.parts.settings.quotaBytes,
    };
  }

  members(): readonly MemberInfo[] {
    return this.loops.state.membership.list();
  }

  /** `encodeLineage` of the data; empty when it was never forced or restored. */
  get lineage(): Bytes {
    return this.parts.dataDir.identity.lineage ?? emptyBytes;
  }

  /** The members with all that is known of them, as of the applied index. */
  get record(): readonly MemberRecord[] {
    return this.loops.state.membership.list();
  }

  alarms(): readonly AlarmMember[] {
    return this.loops.state.alarms.list();
  }

  openWatches(receiver: WatchReceiver): Watches {
    return this.loops.watches.open(receiver);
  }

  get leaseTtlMin(): number {
    const { raft, tickMs } = this.parts.settings;
    return Math.ceil((1.5 * raft.electionTicks * tickMs) / 1000);
  }

  newLeaseId(): bigint {
    return this.loops.leases.newId();
  }

  maybeRenewLease(id: bigint): number | undefined {
    return this.loops.leases.maybeRenewNow(id);
  }

  renewLease(id: bigint, done: Done<number>): void {
    this.questions.ask({ type: 'renewLease', id }, (outcome) => {
      if (!outcome.ok) return done(outcome);
      assert(outcome.value.type === 'renewLease', 'a renewal got another answer');
      done(ok(outcome.value.ttl));
    });
  }

  leaseTimeToLive(id: bigint, withKeys: boolean, done: Done<LeaseDescription | undefined>): void {
    this.questions.ask({ type: 'leaseTimeToLive', id }, (outcome) => {
      if (!outcome.ok) return done(outcome);
      assert(outcome.value.type === 'leaseTimeToLive', 'a time to live got another answer');
      const { times } = outcome.value;
      if (times === undefined || !withKeys) done(ok(times && { ...times, keys: [] }));
      else this.addKeys(id, times, done);
    });
  }

  leases(done: Done<Bytes>): void {
    if (this.loops.isStopped) done(failed(errors.stopped));
    else this.loops.leases.list(done);
  }

  addMember(peerUrls: readonly string[], isLearner: boolean, done: Done<AddedMember>): void {
    if (this.loops.isStopped) done(failed(errors.stopped));
    else this.loops.reconfiguration.add(peerUrls, isLearner, done);
  }

  removeMember(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    if (this.loops.isStopped) done(failed(errors.stopped));
    else this.loops.reconfiguration.remove(id, done);
  }

  promoteMember(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    if (this.loops.isStopped) done(failed(errors.stopped));
    else this.loops.reconfiguration.promote(id, done);
  }

  updateMember(id: MemberId, peerUrls: readonly string[], done: Done<readonly MemberInfo[]>): void {
    updateMember(this, id, peerUrls, done);
  }

  // What the transport brings.

  asked(_from: MemberId, question: Question, answer: (outcome: Outcome<Answer>) => void): void {
    if (this.loops.isStopped) answer(failed(errors.stopped));
    else answerQuestion(this.loops, question, answer);
  }

  received(messages: readonly Message[]): void {
    if (this.isRunning) this.loops.raftLoop.received(messages);
  }

  unreachable(memberId: MemberId): void {
    if (this.isRunning) this.loops.raftLoop.reportUnreachable(memberId);
  }

  gone(memberId: MemberId): void {
    if (!this.isRunning) return;
    if (memberId === this.loops.leadership.lead) {
      const fields = { lead: memberId.toString(16) };
      this.parts.host.logger.log('info', "the leader's process has ended", fields);
    }
    this.loops.raftLoop.reportGone(memberId);
  }

  snapshotSent(memberId: MemberId, isDelivered: boolean): void {
    if (!this.loops.isStopped) this.loops.snapshots.sent(memberId, isDelivered);
  }

  snapshotOffered(from: MemberId, snapshot: SnapshotMeta, term: number): SnapshotSink | string {
    return this.isRunning
      ? this.loops.snapshots.offered(from, snapshot, term)
      : 'the member is starting or stopping';
  }

  refused(memberId: MemberId, reason: string, isFinal: boolean): void {
    const { host, onFatal } = this.parts;
    host.logger.log(isFinal ? 'fatal' : 'warn', 'a peer link was refused', {
      'remote-peer-id': memberId.toString(16),
      reason,
    });
    if (isFinal) onFatal(reason);
  }

  /** Keys are known here as well as at the leader, and may be more than fits between members. */
  private addKeys(id: bigint, times: LeaseTimes, done: Done<LeaseDescription | undefined>): void {
    this.readIndex((outcome) => {
      if (!outcome.ok) return done(outcome);
      this.loops.readSlicer.run(() => {
        const { leases } = this.loops.state;
        done(ok(leases.has(id) ? { ...times, keys: leases.keysOf(id) } : undefined));
        return true;
      });
    });
  }

  private openQuestions(): LeaderQuestions {
    const { leadership, transport, requestTimeoutMs } = this.loops;
    const { settings, host } = this.parts;
    const questions = new LeaderQuestions({
      scheduler: host.scheduler,
      leadership,
      transport,
      timeoutMs: requestTimeoutMs,
      attemptMs: 2 * settings.raft.electionTicks * settings.tickMs,
      answerHere: (question, done) => answerQuestion(this.loops, question, done),
    });
    leadership.onChange(() => {
      if (leadership.hasLeader) questions.leaderKnown();
    });
    return questions;
  }

  private get isRunning(): boolean {
    return this.isStarted && !this.loops.isStopped;
  }

  /** Why a proposal is not even taken, or undefined. */
  private refusal(kind: CommandKind, request: Bytes): EtcdError | undefined {
    const { settings, dataDir } = this.parts;
    // What an operator makes room with.
    const makesRoom = kind === CommandKind.compact || kind === CommandKind.alarm;
    if (this.loops.isStopped) return errors.stopped;
    if (this.loops.raft.committed - this.loops.applyLoop.applied.index > applyGapMax)
      return errors.tooManyRequests;
    if (request.length > settings.maxRequestBytes) return errors.requestTooLarge;
    return dataDir.isSpaceLow && !makesRoom ? errors.noSpace : undefined;
  }

  private rangeParts(): RangeParts {
    const { readSlicer, state } = this.loops;
    return {
      slicer: readSlicer,
      scheduler: this.parts.host.scheduler,
      store: state.revisions,
      isInForce: () => this.loops.isServing(state),
      chunkBytes: this.parts.settings.maxRequestBytes,
      largeBytes: this.parts.settings.largeRangeBytes,
    };
  }

  private transferTo(target: MemberId, done: Done<undefined>): void {
    const { scheduler } = this.parts.host;
    awaitLeader(
      {
        target,
        leadership: this.loops.leadership,
        scheduler,
        timeoutMs: this.loops.requestTimeoutMs,
      },
      done,
    );
    this.loops.raftLoop.transferLeadership(target);
  }
}
