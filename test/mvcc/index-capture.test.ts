import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { utf8 } from '../../src/base/bytes.ts';
import { IndexCapture, type IndexBlock } from '../../src/mvcc/index-capture.ts';
import { IndexCheck } from '../../src/mvcc/index-check.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { IndexImage, IndexImageError } from '../../src/mvcc/index-image.ts';
import type { KeyIndex } from '../../src/mvcc/key-index.ts';
import { StoreRestorer } from '../../src/mvcc/restore.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import { decodeRowKey } from '../../src/mvcc/revision.ts';
import { described } from './described.ts';
import { TestStore } from './rows.ts';

/** The index is copied while it changes; what was copied, with the rows above it, is the index that all rows make. */

/** As blocks come from a file: each in memory of its own. */
function asRead({ bytes }: IndexBlock): Uint8Array {
  return bytes.slice();
}

type Op =
  | { readonly kind: 'put'; readonly keys: readonly number[] }
  | { readonly kind: 'delete'; readonly keys: readonly number[] }
  | { readonly kind: 'compact'; readonly back: number };

const keyCount = 12;
const keyNumbers = fc.array(fc.nat(keyCount - 1), { minLength: 1, maxLength: 4 });
const write = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), keys: keyNumbers }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), keys: keyNumbers }) },
);
const op = fc.oneof(
  { weight: 8, arbitrary: write },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.nat(10) }),
  },
);

const nameOfKey = (key: number): string => 'k'.repeat(1 + (key % 3)) + key;

function run(test: TestStore, { kind, ...rest }: Op): void {
  const { store, rows } = test;
  if ('keys' in rest) {
    test.txn((txn) => {
      for (const key of new Set(rest.keys)) {
        const name = utf8(nameOfKey(key));
        if (kind === 'put') txn.put(name, utf8('v'.repeat(key)), 0n);
        else txn.deleteRange({ from: name, to: utf8(`${nameOfKey(key)}\0`) });
      }
    });
    return;
  }
  const revision = store.revision - rest.back;
  if (revision <= Math.max(1, store.compactRevision)) return;
  store.compact(revision);
  rows.delete(compacted(test, revision));
}

function compacted({ store }: TestStore, revision: number): readonly Uint8Array[] {
  const compaction = new IndexCompaction(store, revision);
  const deleted: Uint8Array[] = [];
  for (;;) {
    const step = compaction.advance(100);
    deleted.push(...step.deleted);
    if (step.isDone) return deleted;
  }
}

/** Copies in steps of `versionsMax`, with `writes` between them. */
function captured(test: TestStore, versionsMax: number, writes: readonly Op[]): KeyIndex {
  const { store } = test;
  const release = store.pin(store.compactRevision);
  const capture = new IndexCapture(store.index, store.revision);
  const image = new IndexImage(store.revision, store.compactRevision);
  const left = [...writes];
  for (let isDone = false; !isDone;) {
    isDone = capture.step(versionsMax);
    for (const block of capture.takeBlocks()) image.take(block.kind, asRead(block));
    const next = left.shift();
    if (next !== undefined) run(test, next);
  }
  release();
  for (const next of left) run(test, next);
  return image.finish();
}

function toppedUp(index: KeyIndex, revision: number, { rows, store }: TestStore): KeyIndex {
  const restorer = new StoreRestorer(store.compactRevision, undefined, { index, revision });
  restorer.feed(rows.sorted().filter(({ key }) => decodeRowKey(key).main > revision));
  return restorer.finish(rows, store.revision).index;
}

describe('A captured index', () => {
  it('with the rows above it is the index that all rows make, whatever is written meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(op, { maxLength: 60 }),
        fc.array(write, { maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (before, meanwhile, versionsMax) => {
          const test = new TestStore();
          for (const each of before) run(test, each);
          const { revision } = test.store;
          const index = toppedUp(captured(test, versionsMax, meanwhile), revision, test);
          assert.deepEqual(described(index), described(test.restored().store.index));
          const check = new IndexCheck(index, test.store.revision, () => 0n);
          assert.equal(check.feed(test.rows.sorted()), undefined);
          assert.equal(check.finish(), undefined);
          // It can be gone on from: written to, compacted and captured again.
          const next = new TestStore(
            test.rows,
            new MvccStore(test.rows, {
              index,
              revision: test.store.revision,
              compactRevision: test.store.compactRevision,
            }),
          );
          for (const each of [...meanwhile, { kind: 'compact', back: 1 } as const]) run(next, each);
          assert.deepEqual(
            described(captured(next, versionsMax, [])),
            described(next.restored().store.index),
          );
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it('takes keys of any length, and more than a block of each kind', () => {
    const test = new TestStore();
    for (let i = 0; i < 17_000; i++) test.put(`key ${(i * 7919) % 12_011}`);
    for (const length of [1, 524_279, 524_281, 1_500_000, 700_000]) {
      test.put('x'.repeat(length), 'large');
      test.put(`y${length}`);
    }
    const index = captured(test, 1_000, []);
    assert.deepEqual(described(index), described(test.restored().store.index));
    for (let i = 0; i < 2_000; i++) index.put(utf8(`later ${i}`), test.store.revision + 1 + i, 0);
    assert.equal(index.tree.liveCount, test.store.index.tree.liveCount + 2_000);
  });

  it('of nothing is empty', () => {
    const test = new TestStore();
    assert.deepEqual(described(captured(test, 1, [])), described(test.store.index));
  });

  it('is refused when a part of it is missing or another', () => {
    const test = new TestStore();
    for (let i = 0; i < 50; i++) test.put(`k${i % 20}`);
    const capture = new IndexCapture(test.store.index, test.store.revision);
    while (!capture.step(1_000)) continue;
    const blocks = capture.takeBlocks();
    const loads = (given: readonly IndexBlock[], revision = test.store.revision): KeyIndex => {
      const image = new IndexImage(revision, -1);
      for (const block of given) image.take(block.kind, asRead(block));
      return image.finish();
    };
    assert.deepEqual(described(loads(blocks)), described(test.store.index));
    for (const missing of blocks) {
      const rest = blocks.filter((block) => block !== missing);
      assert.throws(() => loads(rest), IndexImageError, missing.kind);
      assert.throws(() => loads([...blocks, missing]), IndexImageError, missing.kind);
    }
    assert.throws(() => loads(blocks, test.store.revision - 1), /a version of the future/);
  });
});

describe('The comparison of an index with rows', () => {
  it('finds a row that is missing, one too many and one that is another', () => {
    const test = new TestStore();
    for (let i = 0; i < 50; i++) test.put(`k${i % 20}`);
    test.delete('k3');
    run(test, { kind: 'compact', back: 20 });
    const rows = test.rows.sorted();
    const { index, revision } = test.store;
    const difference = (given: typeof rows, leaseOf = () => 0n): string | undefined => {
      const check = new IndexCheck(index, revision, leaseOf);
      return check.feed(given) ?? check.finish();
    };
    assert.equal(difference(rows), undefined);
    for (const row of rows) {
      assert.notEqual(difference(rows.filter((each) => each !== row)), undefined);
    }
    const other = new TestStore();
    for (let i = 0; i < 50; i++) other.put(`k${(i + 1) % 20}`);
    other.delete('k3');
    assert.notEqual(difference(other.rows.sorted()), undefined);
    assert.match(difference(rows, () => 7n) ?? '', /another lease/);
    const more = new TestStore(test.rows, test.store);
    more.put('k1');
    const check = new IndexCheck(test.store.index, revision, () => 0n);
    assert.equal(check.feed(test.rows.sorted()), undefined, 'later rows are not its business');
    assert.equal(check.finish(), undefined);
  });
});
