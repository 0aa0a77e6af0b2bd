import type { Invariant, Probes, SimEvent, SimView } from '../types.ts';
import { acknowledgedWrites } from './acknowledged-writes.ts';
import { AppliedWithData } from './applied-with-data.ts';
import { commitRule } from './commit-rule.ts';
import { compaction } from './compaction.ts';
import { Configuration } from './configuration.ts';
import { DurableAcknowledgement } from './durable-acknowledgement.ts';
import { HeaderRevision } from './header-revision.ts';
import { leaderAppendOnly } from './leader-append-only.ts';
import { leaderCompleteness } from './leader-completeness.ts';
import { Leases } from './leases.ts';
import { LogMatching } from './log-matching.ts';
import { Observer } from './observer.ts';
import { OneCluster } from './one-cluster.ts';
import { oneLeader } from './one-leader.ts';
import { OneVote } from './one-vote.ts';
import { onlyVoters } from './only-voters.ts';
import { orderOfIndexes } from './order-of-indexes.ts';
import { ProposedOnce } from './proposed-once.ts';
import { shown, type Property } from './property.ts';
import { RareStates } from './rare-states.ts';
import { rangeAnswers } from './range-answers.ts';
import { readIndex } from './read-index.ts';
import { Record } from './record.ts';
import { revisions } from './revisions.ts';
import { rowVersions } from './row-versions.ts';
import { sameEffects } from './same-effects.ts';
import { sameEntries } from './same-entries.ts';
import { serializableReads } from './serializable-reads.ts';
import type { Sight } from './sight.ts';
import { snapshot } from './snapshot.ts';

/** For one world: what was seen is kept from its first event to its last. */
export function createInvariants(probes: Probes): readonly Invariant[] {
  return [new AllInvariants(probes)];
}

/** Looks once, then asks those whom it concerns. A `Violation` names the one that does not hold. */
class AllInvariants implements Invariant {
  readonly name = 'all of them';
  private readonly record = new Record();
  private readonly observer = new Observer(this.record);
  private readonly properties: readonly Property[];
  private readonly masks: readonly number[];

  constructor(probes: Probes) {
    this.properties = [...createProperties(), new RareStates(probes, this.observer)];
    this.masks = this.properties.map(maskOf);
  }

  after(event: SimEvent, view: SimView): void {
    this.observer.look(event, view);
    const { sight } = this.observer;
    if (sight !== undefined && sight.shows !== 0) this.ask(sight);
    if (event.kind !== 'end' || !event.isPowerLoss) return;
    for (const property of this.properties) property.afterPowerLoss?.(this.record);
  }

  private ask(sight: Sight): void {
    const { properties, masks, record } = this;
    for (let i = 0; i < masks.length; i++) {
      if (((masks[i] as number) & sight.shows) === 0) continue;
      (properties[i] as Property).judge(sight, record);
    }
  }
}

function maskOf({ on }: Property): number {
  return on.reduce((mask, each) => mask | shown[each], 0);
}

/**
 * The order matters where one writes what others read: elections before commits, commits before what is applied,
 * rows before their effects, so that an index without an effect is one that is applied for the first time.
 */
export function createProperties(): readonly Property[] {
  return [
    new OneCluster(),
    orderOfIndexes,
    new LogMatching(),
    new OneVote(),
    oneLeader,
    onlyVoters,
    leaderCompleteness,
    leaderAppendOnly,
    new DurableAcknowledgement(),
    commitRule,
    sameEntries,
    new ProposedOnce(),
    new Configuration(),
    revisions,
    rowVersions,
    new Leases(),
    sameEffects,
    serializableReads,
    snapshot,
    new HeaderRevision(),
    compaction,
    new AppliedWithData(),
    readIndex,
    rangeAnswers,
    acknowledgedWrites,
  ];
}
