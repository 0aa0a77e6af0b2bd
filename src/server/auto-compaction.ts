import type { Scheduler, Timer } from '../base/clock.ts';
import type { Logger } from '../host/logger.ts';
import { errors, type Outcome } from '../wire/errors.ts';

/**
 * Compaction that nobody asks for (etcd server/etcdserver/api/v3compactor). Every member keeps the time, so that one
 * that comes to lead goes on at once; only the leader compacts.
 */
export type AutoCompactionPolicy =
  | { readonly mode: 'off' }
  /** The history of this long is kept. */
  | { readonly mode: 'periodic'; readonly periodMs: number }
  /** So many revisions are kept. */
  | { readonly mode: 'revision'; readonly revisions: number };

export interface AutoCompactionParts {
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly revision: () => number;
  readonly isLeader: () => boolean;
  readonly compact: (revision: number, done: (outcome: Outcome<unknown>) => void) => void;
}

const hourMs = 3_600_000;
/** The revision is looked at this often in a period, or in an hour when the period is longer. */
const looksPerPeriod = 10;
/** etcd v3compactor/revision.go, revInterval. */
const revisionIntervalMs = 300_000;

export class AutoCompaction {
  private readonly parts: AutoCompactionParts;
  private readonly policy: Exclude<AutoCompactionPolicy, { readonly mode: 'off' }>;
  private readonly intervalMs: number;
  private timer: Timer | undefined;
  private isStopped = false;
  /** The last revision compacted to, by this member. */
  private lastRevision = 0;
  /** Of a period: the revisions at the looks within it, the oldest first. */
  private seen: number[] = [];
  private lastSuccessMs: number;
  /** How long after the last success the next compaction is due: at first, a whole period. */
  private dueAfterMs: number;

  constructor(
    policy: Exclude<AutoCompactionPolicy, { readonly mode: 'off' }>,
    parts: AutoCompactionParts,
  ) {
    this.parts = parts;
    this.policy = policy;
    const periodMs = policy.mode === 'periodic' ? policy.periodMs : 0;
    this.intervalMs =
      policy.mode === 'periodic'
        ? Math.max(1, Math.min(periodMs, hourMs) / looksPerPeriod)
        : revisionIntervalMs;
    this.lastSuccessMs = parts.scheduler.nowMs();
    this.dueAfterMs = periodMs;
  }

  start(): void {
    this.look();
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  private look(): void {
    if (this.isStopped) return;
    if (this.policy.mode === 'periodic') {
      this.seen.push(this.parts.revision());
      const kept = Math.floor(this.policy.periodMs / this.intervalMs) + 1;
      if (this.seen.length > kept) this.seen.shift();
    }
    this.timer = this.parts.scheduler.after(this.intervalMs, () => this.tick());
  }

  private tick(): void {
    const revision = this.parts.isLeader() ? this.dueRevision() : undefined;
    if (revision === undefined) this.look();
    else this.compact(revision);
  }

  /** What to compact to now, if anything. */
  private dueRevision(): number | undefined {
    const { policy, parts } = this;
    if (policy.mode === 'revision') {
      const revision = parts.revision() - policy.revisions;
      return revision <= 0 || revision === this.lastRevision ? undefined : revision;
    }
    const [oldest] = this.seen;
    const sinceMs = parts.scheduler.nowMs() - this.lastSuccessMs;
    if (oldest === undefined || sinceMs < this.dueAfterMs) return undefined;
    return oldest === this.lastRevision ? undefined : oldest;
  }

  private compact(revision: number): void {
    const { parts, policy } = this;
    const { logger, scheduler } = parts;
    if (policy.mode === 'periodic') this.dueAfterMs = Math.min(policy.periodMs, hourMs);
    const fields = { revision, ...describePolicy(policy) };
    logger.log('info', `starting auto ${policy.mode} compaction`, fields);
    const startedMs = scheduler.nowMs();
    parts.compact(revision, (outcome) => {
      if (this.isStopped) return;
      // Somebody else has compacted as far: nothing is left to do.
      if (outcome.ok || outcome.error === errors.compacted) {
        this.lastRevision = revision;
        this.lastSuccessMs = scheduler.nowMs();
        const took = `${Math.round(this.lastSuccessMs - startedMs)}ms`;
        logger.log('info', `completed auto ${policy.mode} compaction`, { ...fields, took });
      } else {
        const error = outcome.error.text;
        const retry = { 'retry-interval': `${this.intervalMs}ms`, error };
        logger.log('warn', `failed auto ${policy.mode} compaction`, { ...fields, ...retry });
      }
      this.look();
    });
  }
}

function describePolicy(policy: AutoCompactionPolicy): Readonly<Record<string, unknown>> {
  if (policy.mode === 'periodic') return { 'compact-period': `${policy.periodMs}ms` };
  return policy.mode === 'revision' ? { 'revision-compaction-retention': policy.revisions } : {};
}
