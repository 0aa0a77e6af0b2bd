import { must, type Property } from './property.ts';

const name = 'I14 linearizable reads';

/**
 * Whoever is answered a linearizable read sees everything that was committed anywhere when it was asked (dissertation,
 * section 6.4; etcd #20418, #7331): more than what clients had been told by then.
 */
export const readIndex: Property = {
  name,
  on: ['reads'],
  judge({ id, reads }) {
    for (const { floorIndex, appliedIndex, askedInTerm, answeredInTerm } of reads) {
      must(
        appliedIndex >= floorIndex,
        name,
        () =>
          `${id} answers a read at index ${appliedIndex}; ${floorIndex} was committed when it was asked (asked in term ${askedInTerm}, answered in ${answeredInTerm})`,
      );
    }
  },
};
