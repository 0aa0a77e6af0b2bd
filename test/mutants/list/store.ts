import type { Mutant } from '../types.ts';

/** Bugs of revisions, transactions, compaction and hashes. */
export const storeMutants: readonly Mutant[] = [
  {
    name: 'nested-txn-sees-its-own-writes',
    breaks: 'I40: all conditions are decided on the state before the transaction (etcd txn.go)',
    changes: [
      {
        file: 'apply/txn.ts',
        from: `      operations.push({ case: 'requestTxn', value: choose(store, operation.value) });`,
        to: `      const nested = operation.value;\n      operations.push({\n        case: 'requestTxn',\n        get value() {\n          return choose(store, nested);\n        },\n      });`,
      },
    ],
  },
  {
    name: 'range-compare-holds-for-some',
    breaks: 'a condition on a range holds for every key of it (etcd txn.go applyCompare)',
    changes: [
      {
        file: 'apply/compare.ts',
        from: 'if (!versions.every((version) => holdsFor(store, compare, version))) return false;',
        to: 'if (!versions.some((version) => holdsFor(store, compare, version))) return false;',
      },
    ],
  },
  {
    name: 'compaction-one-too-far',
    breaks: 'I20: what can be read at the compacted revision stays (etcd kvstore_compaction.go)',
    changes: [
      {
        file: 'mvcc/compaction.ts',
        from: '    while (id !== 0 && versions.modRevisionOf(id) > this.revision) {',
        to: '    while (id !== 0 && versions.modRevisionOf(id) > this.revision + 1) {',
      },
    ],
  },
  {
    name: 'compacted-tombstone-gone',
    breaks: 'I20, I31: a deletion exactly at the compacted revision is kept (etcd #19179)',
    changes: [
      {
        file: 'mvcc/compaction.ts',
        from: '(!versions.isTombstone(id) || versions.modRevisionOf(id) === this.revision);',
        to: '(!versions.isTombstone(id) || versions.modRevisionOf(id) > this.revision);',
      },
    ],
  },
  {
    name: 'hash-skips-a-row',
    breaks: 'HashKV covers every row up to its revision (etcd hash.go)',
    changes: [
      {
        file: 'mvcc/hash.ts',
        from: '    if (main > this.revision) return false;',
        to: '    if (main > this.revision || (main === this.revision && sub > 0)) return false;',
      },
    ],
  },
  {
    name: 'found-key-not-forgotten',
    breaks: 'I19: a key that was compacted away and comes back is another',
    changes: [
      {
        file: 'mvcc/key-table.ts',
        from: '      empty(slots, slot);\n',
        to: '      if (slot < 0) empty(slots, slot);\n',
      },
    ],
  },
  {
    name: 'key-lost-behind-a-gap',
    breaks: 'a key that is there is found, whatever was taken out beside it',
    changes: [
      {
        file: 'mvcc/key-table.ts',
        from: '    if (fromHome < ((next - gap) & mask)) continue;',
        to: '    if (fromHome <= ((next - gap) & mask)) continue;',
      },
    ],
  },
  {
    name: 'put-answers-the-wrong-previous-pair',
    breaks: 'prev_kv of a put is what the key held before (etcd put.go)',
    changes: [
      {
        file: 'apply/put.ts',
        from: '    prevKv: request.prevKv ? previous : undefined,',
        to: '    prevKv: request.prevKv && version?.version !== 2 ? previous : undefined,',
      },
    ],
  },
  {
    name: 'count-of-another-range',
    breaks: 'I46: what is left after a page is counted for its range',
    changes: [
      {
        file: 'mvcc/page-counts.ts',
        from: '${binaryString(from)}${end}',
        to: '${binaryString(from)}${end.length}',
      },
    ],
  },
  {
    name: 'pinned-revision-compacted',
    breaks: 'I20: an answer under way keeps its revision readable',
    changes: [
      {
        file: 'mvcc/store.ts',
        from: '(pinned) => pinned < revision',
        to: '(pinned) => pinned < revision - 1',
      },
    ],
  },
  {
    name: 'swap-that-overwrites',
    breaks: 'a swap takes place if nobody has written since (etcd txn.go applyCompare)',
    changes: [
      {
        file: 'apply/compare.ts',
        from: '    case CompareResult.EQUAL:\n      return ordered === 0;',
        to: '    case CompareResult.EQUAL:\n      return ordered >= 0;',
      },
    ],
  },
];
