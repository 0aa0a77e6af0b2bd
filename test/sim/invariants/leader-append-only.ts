import { must, type Property } from './property.ts';

const name = 'I2 leader append-only';

/** A leader never overwrites or deletes entries of its log (dissertation, Figure 3.2). */
export const leaderAppendOnly: Property = {
  name,
  on: ['figures'],
  judge({ before, now, isNew }) {
    if (isNew || now.state !== 'leader' || before.state !== 'leader') return;
    if (now.term !== before.term) return;
    must(
      now.lastIndex >= before.lastIndex && now.logLast >= before.logLast,
      name,
      () =>
        `the log of the leader of term ${now.term} went from ${before.lastIndex} to ${now.lastIndex}`,
    );
    must(
      now.logLastTerm >= before.logLastTerm,
      name,
      () => `entry ${before.logLast} of the leader of term ${now.term} was replaced`,
    );
  },
};
