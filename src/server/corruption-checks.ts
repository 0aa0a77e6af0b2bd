import type { Timer } from '../base/clock.ts';
import type { Logger } from '../host/logger.ts';
import type { KvHash } from '../mvcc/compaction-hashes.ts';
import { noMember, type MemberId } from '../raft/types.ts';
import type { Done } from './types.ts';
import { describeHashes, judgeHashes, type HashJudgement } from './hash-judgement.ts';
import {
  askForHashes,
  isComparable,
  type MemberHash,
  type PeerHash,
  type PeerHashesParts,
} from './peer-hashes.ts';

/**
 * Members compare the hashes of what they hold (etcd server/etcdserver/corrupt.go): one that starts with all others,
 * and the leader, now and then, all with one another. Who differs gets the alarm CORRUPT. A check that could not be
 * made says so, and never counts as passed (etcd #13514).
 */
export interface CorruptionChecksParts extends PeerHashesParts {
  readonly id: MemberId;
  readonly logger: Logger;
  /** How often the leader compares everything, and the hashes kept at compactions; 0 is never. */
  readonly periodicMs: number;
  readonly compactHashMs: number;
  /** How long others may be behind or out of reach. */
  readonly patienceMs: number;
  readonly isLeader: () => boolean;
  readonly ownHash: (revision: number, done: Done<MemberHash>) => void;
  /** The hashes kept of the last compactions, the newest first. */
  readonly keptHashes: () => readonly KvHash[];
  readonly readIndex: (done: Done<undefined>) => void;
  readonly raise: (memberId: MemberId) => void;
  readonly counted: (check: CheckName, result: HashJudgement['result']) => void;
}

export type CheckName = 'initial' | 'periodic' | 'compact-hash';

export class CorruptionChecks {
  private readonly parts: CorruptionChecksParts;
  private readonly timers = new Map<CheckName, Timer>();
  /** The newest compaction whose hash was found equal on all members. */
  private checkedRevision = 0;
  private isStopped = false;

  constructor(parts: CorruptionChecksParts) {
    this.parts = parts;
  }

  start(): void {
    this.repeat('periodic', this.parts.periodicMs, (done) => this.checkAll(done));
    this.repeat('compact-hash', this.parts.compactHashMs, (done) => this.checkCompactions(done));
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers.values()) timer.cancel();
  }

  /**
   * Before the member takes part: answers why it must not, or undefined. It may when a quorum, itself included, has
   * its hash, whoever else differs; what others have that do not answer is unknown, and no reason.
   */
  checkInitially(done: (problem: string | undefined) => void): void {
    const { id, ownHash, patienceMs, logger } = this.parts;
    logger.log('info', 'starting initial corruption check');
    ownHash(0, (outcome) => {
      if (!outcome.ok) return done(`the own hash cannot be had: ${outcome.error.text}`);
      const own = outcome.value;
      askForHashes(this.parts, own, patienceMs, (peers) => {
        const judgement = judgeHashes(id, own, peers);
        this.tell('initial', own, peers, judgement);
        const isRefused =
          judgement.result === 'different' && !isWithQuorum(this.parts.id, judgement.blamed);
        done(isRefused ? describeMismatch(id, own, peers) : undefined);
      });
    });
  }

  private repeat(name: CheckName, intervalMs: number, check: (done: () => void) => void): void {
    if (intervalMs === 0 || this.isStopped) return;
    const again = (): void => this.repeat(name, intervalMs, check);
    const timer = this.parts.scheduler.after(intervalMs, () => {
      if (this.parts.isLeader()) check(again);
      else again();
    });
    this.timers.set(name, timer);
  }

  /** All that all members have, at the newest revision of the leader. */
  private checkAll(done: () => void): void {
    const { ownHash, patienceMs, readIndex, logger } = this.parts;
    const failed = (error: string): void => {
      this.parts.counted('periodic', 'unknown');
      logger.log('warn', 'failed to check hash KV', { error });
      done();
    };
    ownHash(0, (newest) => {
      if (!newest.ok) return failed(newest.error.text);
      const own = newest.value;
      askForHashes(this.parts, own, patienceMs, (peers) => {
        // Who leads by then cannot be behind any other member.
        readIndex((confirmed) => {
          if (!confirmed.ok) return failed(confirmed.error.text);
          ownHash(0, (again) => {
            if (!again.ok) return failed(again.error.text);
            this.judgeAll(own, again.value, peers);
            done();
          });
        });
      });
    });
  }

  private judgeAll(own: MemberHash, again: MemberHash, peers: readonly PeerHash[]): void {
    const judgement = judgeHashes(this.parts.id, own, peers);
    const blamed = new Set<MemberId>(judgement.result === 'different' ? judgement.blamed : []);
    for (const { memberId, outcome } of peers) {
      if (!outcome.ok) continue;
      const { currentRevision, compactRevision } = outcome.value;
      const isAhead = currentRevision > again.currentRevision;
      if (isAhead || compactRevision > again.compactRevision) blamed.add(memberId);
    }
    if (isComparable(own, again) && own.hash !== again.hash) blamed.add(this.parts.id);
    const found: HashJudgement =
      blamed.size === 0 ? judgement : { result: 'different', blamed: [...blamed] };
    this.tell('periodic', own, peers, found);
    this.raise(found);
  }

  /** The hashes kept at compactions, the newest first, until one is found equal or different. */
  private checkCompactions(done: () => void): void {
    const unchecked = this.parts
      .keptHashes()
      .filter(({ revision }) => revision > this.checkedRevision);
    const next = (index: number): void => {
      const own = unchecked[index];
      if (own === undefined || this.isStopped) return done();
      askForHashes(this.parts, own, this.parts.patienceMs, (peers) => {
        if (peers.length === 0) return done();
        const judgement = judgeHashes(this.parts.id, own, peers);
        this.tell('compact-hash', own, peers, judgement);
        this.raise(judgement);
        if (judgement.result === 'unknown') return next(index + 1);
        if (judgement.result === 'equal') this.checkedRevision = own.revision;
        done();
      });
    };
    next(0);
  }

  private raise(judgement: HashJudgement): void {
    if (judgement.result !== 'different' || this.isStopped) return;
    for (const memberId of judgement.blamed) this.parts.raise(memberId);
  }

  private tell(
    check: CheckName,
    own: KvHash,
    peers: readonly PeerHash[],
    judgement: HashJudgement,
  ): void {
    const { id, logger, counted } = this.parts;
    if (peers.length > 0) counted(check, judgement.result);
    const { revision, compactRevision } = own;
    const fields = { check, revision, 'compact-revision': compactRevision };
    const hashes = describeHashes(id, own, peers);
    switch (judgement.result) {
      case 'equal':
        return logger.log('info', 'finished corruption check', { ...fields, peers: peers.length });
      case 'unknown':
        return logger.log('warn', 'corruption check could not compare all members', {
          ...fields,
          hashes,
        });
      case 'different':
        return logger.log('error', 'found members with different data', {
          ...fields,
          hashes,
          blamed: judgement.blamed,
        });
    }
  }
}

/** Blame without the whole cluster being meant, and not of this member: then it is one of the quorum. */
function isWithQuorum(id: MemberId, blamed: readonly MemberId[]): boolean {
  return !blamed.includes(id) && !blamed.includes(noMember);
}

function describeMismatch(id: MemberId, own: KvHash, peers: readonly PeerHash[]): string {
  const hashes = Object.entries(describeHashes(id, own, peers))
    .map(([member, hash]) => `${member}: ${hash}`)
    .join(', ');
  return (
    `member ${id.toString(16)} found data inconsistency with peers: hashes at revision ${own.revision}, compacted ` +
    `at ${own.compactRevision}, are ${hashes}. It must not serve what it has. If the others are right, remove this ` +
    'member from the cluster, remove its data dir, and add it again as a new one.'
  );
}
