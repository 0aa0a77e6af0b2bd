import { must, type Property } from './property.ts';

const name = 'I19 create, mod and version of a row';

/** create <= mod <= header; the version counts from 1 and begins anew after a deletion; only a live key is deleted. */
export const rowVersions: Property = {
  name,
  on: ['applied'],
  judge({ applied }, record) {
    for (const { index, rows } of applied) {
      if (record.effects[index] !== undefined) continue;
      for (const row of rows) {
        const problem = record.rows.add(row);
        must(problem === undefined, name, () => `entry ${index}: ${problem}`);
      }
    }
  },
};
