import { must, type Property } from './property.ts';

const name = 'I15 serializable reads do not go back';

/** What one run of a member shows of itself only moves on: installed snapshots included. */
export const serializableReads: Property = {
  name,
  on: ['figures'],
  judge({ id, isNew, before, now }) {
    must(
      isNew || now.revision >= before.revision,
      name,
      () => `${id} goes from revision ${before.revision} back to ${now.revision}`,
    );
  },
};
