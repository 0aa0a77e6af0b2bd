import type { Probes } from './types.ts';

/**
 * Rare states that a good run reaches; each is told where it is seen (invariants/rare-states.ts, and the world for
 * what only it knows). A name that is told and not on the list is an error, so that none is missed by a slip.
 */
export const probeNames = [
  'answer to a heartbeat of an older term delivered',
  'append refused',
  'answer made while it is sent',
  'commit known before the own disk has the entry',
  'compaction taken up again after a restart',
  'damaged member refused to start',
  'deaf leader replaced',
  'election without a winner',
  'entries delivered that are committed already',
  'entries of an older term committed by a newer one',
  'entries truncated at a follower',
  'entry applied in steps',
  'entry applied before the own disk has it',
  'events told in fragments',
  'file torn by a power loss',
  'joint configuration entered',
  'leader deposed with entries that are not committed',
  'leader elected with entries that are not committed',
  'leader elected within a joint configuration',
  'leader isolated',
  'leader stepped down within its term',
  'leader stood still',
  'leader that lives was taken for gone',
  'leader with a hanging disk replaced',
  'leadership transferred',
  'learner promoted',
  'lease expired by a deposed leader refused',
  'lease expired with keys',
  'lease expired',
  'majority alone made progress',
  'member joined a cluster at work',
  'member lost its disk',
  'member removed while it leads',
  'member started again',
  'message of an older term delivered again',
  'message of an older term delivered',
  'mute leader replaced',
  'pre-vote refused',
  'proposal forwarded',
  'read answered in a later term than asked',
  'read confirmed by another member',
  'restart behind the commit index',
  'restart with a vote',
  'restart with entries that are not committed',
  'restart with entries to apply again',
  'restart within a joint configuration',
  'restart without the end of the log',
  'snapshot installed during a joint configuration',
  'snapshot received in several chunks',
  'snapshot installed of a compacted store',
  'snapshot installed',
  'two leaders at once',
  'vote refused',
  'vote split',
] as const;

export type ProbeName = (typeof probeNames)[number];

/** How often each was reached. Of several worlds, when they share it. */
export class ProbeCounts implements Probes {
  private readonly counts = new Map<string, number>(probeNames.map((name) => [name, 0]));

  sometimes(name: string): void {
    const count = this.counts.get(name);
    if (count === undefined) throw new Error(`no probe is called ${name}`);
    this.counts.set(name, count + 1);
  }

  count(name: ProbeName): number {
    return this.counts.get(name) ?? 0;
  }

  /** In the order of the list. */
  get all(): ReadonlyMap<string, number> {
    return this.counts;
  }

  /** Those that were never reached. */
  get silent(): readonly string[] {
    return [...this.counts].filter(([, count]) => count === 0).map(([name]) => name);
  }

  /** Adds what another process has counted. */
  add(counts: Iterable<readonly [name: string, count: number]>): void {
    for (const [name, count] of counts) {
      const before = this.counts.get(name);
      if (before !== undefined) this.counts.set(name, before + count);
    }
  }
}
