import type { Mutant } from './types.ts';

/** The test folders of what a mutant changes: a bug of the store, say, is for those of the store and of apply. */
const foldersByArea: Readonly<Record<string, readonly string[]>> = {
  raft: ['raft'],
  mvcc: ['mvcc', 'apply', 'server'],
  apply: ['apply'],
  lease: ['lease', 'server'],
  storage: ['storage', 'server'],
  server: ['server'],
};

/** Without a mutant all of them. */
export function areasOf(mutant: Mutant | undefined): readonly string[] {
  if (mutant === undefined) return [...new Set(Object.values(foldersByArea).flat())];
  const areas = mutant.changes.map(({ file }) => file.split('/', 1)[0] ?? '');
  return [...new Set(areas.flatMap((area) => foldersByArea[area] ?? [area]))];
}
