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
import type { Property } from './property.ts';
import { RareStates } from './rare-states.ts';
import { readIndex } from './read-index.ts';
import { Record } from './record.ts';
import { revisions } from './revisions.ts';
import { rowVersions } from './row-versions.ts';
import { sameEffects } from './same-effects.ts';
import { sameEntries } from './same-entries.ts';
import { serializableReads } from './serializable-reads.ts';
import { snapshot } from './snapshot.ts';

/** For one world: what was seen is kept from its first event to its last. To be asked in this order. */
export function createInvariants(probes: Probes): readonly Invariant[] {
  const record = new Record();
  const observer = new Observer(record);
  const looks: Invariant = {
    name: 'I0 what is seen',
    after: (event, view) => observer.look(event, view),
  };
  const rare = new RareStates(probes, observer);
  return [
    looks,
    ...createProperties().map((property) => asInvariant(property, observer, record)),
    asInvariant(rare, observer, record),
  ];
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
    new HeaderRevision(),
    compaction,
    new AppliedWithData(),
    snapshot,
    readIndex,
    acknowledgedWrites,
  ];
}

function asInvariant(property: Property, observer: Observer, record: Record): Invariant {
  return {
    name: property.name,
    after: (event: SimEvent, _view: SimView) => {
      const { sight } = observer;
      if (sight !== undefined) property.judge(sight, record);
      if (event.kind === 'end' && event.isPowerLoss) property.afterPowerLoss?.(record);
    },
  };
}
