import { CompactionRequest } from '../wire/kv.ts';
import { CommandKind } from '../wire/command.ts';
import {
  AlarmAction,
  AlarmRequest,
  AlarmType,
  describeAlarmType,
  type AlarmMember,
} from '../wire/maintenance.ts';
import { InvariantError } from '../base/assert.ts';
import { ok } from '../wire/errors.ts';
import { answerHashKv } from './answers.ts';
import { CorruptionChecks } from './corruption-checks.ts';
import { goneFrom, peersOf } from './peers.ts';
import { AutoCompaction } from './auto-compaction.ts';
import type { MemberLoops } from './loops.ts';
import { Quota } from './quota.ts';

/**
 * What looks after the data of a member beside serving it: that there is room, that history nobody needs goes, and
 * that members hold the same.
 */
export class Upkeep {
  readonly quota: Quota;
  private readonly loops: MemberLoops;
  private readonly autoCompaction: AutoCompaction | undefined;
  private readonly corruptionChecks: CorruptionChecks;

  constructor(loops: MemberLoops) {
    this.loops = loops;
    this.quota = this.openQuota();
    this.autoCompaction = this.openAutoCompaction();
    this.corruptionChecks = this.openCorruptionChecks();
  }

  start(): void {
    this.tellQuota();
    this.autoCompaction?.start();
    this.corruptionChecks.start();
  }

  stop(): void {
    this.autoCompaction?.stop();
    this.corruptionChecks.stop();
  }

  /** Before `start`: compares what there is with the other members, and answers why this one must not start. */
  checkInitially(done: (problem: string | undefined) => void): void {
    const { parts, state, transport } = this.loops;
    // Nothing was ever applied: there is nothing to compare.
    if (parts.dataDir.store.state.appliedIndex === 0) return done(undefined);
    const { confState } = parts.dataDir.store.state;
    transport.setPeers(peersOf(state.membership), goneFrom(state.membership, confState));
    this.corruptionChecks.checkInitially(done);
  }

  private tellQuota(): void {
    const { parts } = this.loops;
    const { quotaBytes } = parts.settings;
    const { logger } = parts.host;
    const fields = { 'quota-size-bytes': quotaBytes };
    if (quotaBytes < 0) logger.log('info', 'disabled backend quota', fields);
    else logger.log('info', 'enabled backend quota', fields);
    if (quotaBytes > quotaBytesSuggestedMax) {
      const maximum = { 'quota-maximum-size-bytes': quotaBytesSuggestedMax };
      logger.log('warn', 'quota exceeds the maximum value', { ...fields, ...maximum });
    }
  }

  private openQuota(): Quota {
    const { parts, storeLoop } = this.loops;
    const alarm = { memberId: this.loops.id, alarm: AlarmType.NOSPACE };
    return new Quota({
      quotaBytes: parts.settings.quotaBytes,
      sizeBytes: () => parts.dataDir.store.sizes.dbSize + storeLoop.unwrittenBytes,
      raise: (done) => this.raise(alarm, done),
    });
  }

  private openAutoCompaction(): AutoCompaction | undefined {
    const { leadership, parts, proposals } = this.loops;
    const { scheduler, logger } = parts.host;
    const policy = parts.settings.autoCompaction;
    if (policy.mode === 'off') return undefined;
    return new AutoCompaction(policy, {
      scheduler,
      logger,
      revision: () => this.loops.state.revisions.revision,
      isLeader: () => leadership.isLeader,
      compact: (revision, done) => {
        const request = CompactionRequest.encode({ revision });
        proposals.propose(CommandKind.compact, request, done);
      },
    });
  }

  private openCorruptionChecks(): CorruptionChecks {
    const { loops } = this;
    const { parts, id } = loops;
    const { scheduler, logger } = parts.host;
    const { raft, tickMs, corruptCheckMs, compactHashCheckMs } = parts.settings;
    return new CorruptionChecks({
      id,
      scheduler,
      logger,
      periodicMs: corruptCheckMs,
      compactHashMs: compactHashCheckMs,
      patienceMs: patienceElections * raft.electionTicks * tickMs,
      isLeader: () => loops.leadership.isLeader,
      others: () =>
        loops.state.membership
          .list()
          .map((member) => member.id)
          .filter((other) => other !== id),
      ownHash: (revision, done) => answerHashKv(loops, revision, done),
      keptHashes: () => loops.hashes.kept(),
      ask: (to, revision, timeoutMs, done) => {
        loops.transport.ask(to, { type: 'hashKv', revision }, timeoutMs, (outcome) => {
          if (!outcome.ok) done(outcome);
          else if (outcome.value.type === 'hashKv') done(ok(outcome.value));
          else throw new InvariantError(`hashKv was answered with ${outcome.value.type}`);
        });
      },
      readIndex: (done) => loops.reads.wait(done),
      raise: (memberId) => this.raise({ memberId, alarm: AlarmType.CORRUPT }, () => undefined),
      counted: (check, result) => loops.counters.corruptionChecks.add(1, { check, result }),
    });
  }

  /** Calls back when the alarm is in force, or cannot be raised now: then the next occasion tries again. */
  private raise(alarm: AlarmMember, done: () => void): void {
    if (this.loops.state.alarms.has(alarm)) return done();
    const { logger } = this.loops.parts.host;
    const fields = { alarm: describeAlarmType(alarm.alarm), 'member-id': alarm.memberId };
    logger.log('warn', 'raising an alarm', fields);
    const request = AlarmRequest.encode({ action: AlarmAction.ACTIVATE, ...alarm });
    this.loops.proposals.propose(CommandKind.alarm, request, (outcome) => {
      if (!outcome.ok) {
        logger.log('error', 'an alarm was not raised', { ...fields, error: outcome.error.text });
      }
      done();
    });
  }
}

/** A larger store takes long to start from and to send (etcd server/storage/quota.go, MaxQuotaBytes). */
const quotaBytesSuggestedMax = 8 * 1024 * 1024 * 1024;
/** Others may be behind or out of reach for so many election timeouts before what they have counts as unknown. */
const patienceElections = 2;
