import type { StoreState } from '../../../src/storage/types.ts';
import { isGivenUp } from './compaction.ts';
import { describeConfState } from './configuration.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

const name = 'I21 applied index and data in one batch';

/**
 * Whenever a commit of the store is on disk, all rows of its revision are there and none of the next, and revision
 * and configuration are those of its applied index (etcd #13514); and the log on the same disk holds that entry.
 */
export class AppliedWithData implements Property {
  readonly name = name;
  readonly on = ['store'] as const;
  /** By the data dir: the state that was judged last. */
  private readonly judged = new Map<bigint, StoreState>();

  judge(sight: Sight, record: Record): void {
    const { state } = sight.store;
    const last = this.judged.get(sight.incarnation);
    if (state === undefined || state === last) return;
    this.judged.set(sight.incarnation, state);
    mustBeOfIndex(sight, state, record);
    const isSame = !sight.isInstalled && !sight.isNew && last !== undefined;
    this.rows(sight, state, isSame ? last.revision : state.compactRevision, record);
    must(
      sight.log.holds(state.appliedIndex, state.appliedTerm),
      name,
      () => `the store of ${sight.id} is at ${state.appliedIndex}, ahead of its log`,
    );
  }

  private rows({ id, store }: Sight, state: StoreState, from: number, { rows }: Record): void {
    const { revision, compactRevision, appliedIndex } = state;
    for (let main = from + 1; main <= revision; main++) {
      for (const fact of rows.of(main)) {
        if (isGivenUp(fact, compactRevision)) continue;
        must(
          store.hasRow(main, fact.sub, fact.isTombstone),
          name,
          () =>
            `the store of ${id} at ${appliedIndex} and revision ${revision} lacks row ${main}.${fact.sub}`,
        );
      }
    }
    const next = rows.fact(revision + 1, 0);
    must(
      next === undefined || !store.hasRow(next.main, next.sub, next.isTombstone),
      name,
      () => `the store of ${id} at revision ${revision} has a row of the next`,
    );
  }
}

function mustBeOfIndex({ id }: Sight, state: StoreState, record: Record): void {
  const { appliedIndex: index, revision, compactRevision, confState } = state;
  const effect = record.effects[index];
  must(
    effect === undefined ||
      (effect.revision === revision && effect.compactRevision === compactRevision),
    name,
    () =>
      `the store of ${id} at ${index} has revision ${revision} (compacted ${compactRevision}), right is ${effect?.revision} (${effect?.compactRevision})`,
  );
  const configuration = record.configurationAt(index)?.after;
  must(
    configuration === undefined || configuration === describeConfState(confState),
    name,
    () => `the store of ${id} at ${index} has another configuration than was in force`,
  );
}
