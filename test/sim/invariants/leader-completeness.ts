import { must, type Property } from './property.ts';

const name = 'I4 leader completeness';

/**
 * Whoever is elected has every entry that was committed in an earlier term (dissertation, Figure 3.2). By log
 * matching it is enough to look at the last of them. A leader that is elected late need not have what later terms
 * have committed: nobody will follow it.
 */
export const leaderCompleteness: Property = {
  name,
  on: ['start', 'figures'],
  judge({ before, now, isNew, id, log }, record) {
    if (now.state !== 'leader') return;
    if (!isNew && before.state === 'leader' && before.term === now.term) return;
    const commit = record.lastCommitBefore(now.term);
    if (commit === undefined) return;
    const { index, term } = commit;
    // A candidate's log is on its disk before it asks for votes (section 3.8).
    must(
      now.lastIndex >= index && (log.holds(index, term) || now.logFirst > index),
      name,
      () => `leader ${id} of term ${now.term} lacks entry ${term}/${index}, which is committed`,
    );
  },
};
