import { describeConfState } from './configuration.ts';
import { must, type Property } from './property.ts';

const name = 'I12 snapshot';

/**
 * An installed snapshot is the state that everybody had at its index: term, revision, compaction, configuration;
 * and the log goes on right behind it.
 */
export const snapshot: Property = {
  name,
  on: ['installed'],
  judge({ id, isInstalled, store, now }, record) {
    if (!isInstalled) return;
    const { state } = store;
    must(state !== undefined, name, () => `the store of ${id} has no state`);
    if (state === undefined) return;
    const { appliedIndex: index, appliedTerm, revision, compactRevision, confState } = state;
    const entry = record.entries[index];
    must(
      entry === undefined || entry.term === appliedTerm,
      name,
      () => `${id} installed entry ${appliedTerm}/${index}, applied was ${entry?.term}/${index}`,
    );
    const effect = record.effects[index];
    must(
      effect === undefined ||
        (effect.revision === revision && effect.compactRevision === compactRevision),
      name,
      () =>
        `${id} installed revision ${revision} (compacted ${compactRevision}) at ${index}, right is ${effect?.revision} (${effect?.compactRevision})`,
    );
    const configuration = record.configurationAt(index)?.after;
    const text = describeConfState(confState);
    must(
      configuration === undefined || configuration === text,
      name,
      () => `${id} installed ${text} at ${index}, right is ${configuration}`,
    );
    must(
      now.logFirst <= index + 1 && now.logLast >= index,
      name,
      () => `the log of ${id} from ${now.logFirst} to ${now.logLast} does not join ${index}`,
    );
  },
};
