import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { binaryString, compareBytes, utf8, type Bytes } from '../../src/base/bytes.ts';
import { IndexBuilder } from '../../src/mvcc/index-builder.ts';
import { KeyArena } from '../../src/mvcc/key-arena.ts';
import { KeyIndex } from '../../src/mvcc/key-index.ts';
import { hashKey } from '../../src/mvcc/key-table.ts';
import { sortKeys } from '../../src/mvcc/sort-keys.ts';

const everything = { from: new Uint8Array(0), to: undefined };

/** Keys that share much, end within each other and hold zeros: where a sort by digits goes wrong. */
const keyArbitrary = fc
  .array(fc.constantFrom(0, 0, 1, 97, 98, 255), { minLength: 1, maxLength: 9 })
  .map((bytes) => new Uint8Array(bytes));

function dumped(index: KeyIndex): readonly string[] {
  const lines: string[] = [];
  index.tree.visit(everything, (handle, isLive) => {
    const version = index.describe(index.keys.newestOf(handle));
    const { createRevision, modRevision } = version;
    const key = binaryString(version.key);
    lines.push(`${key} ${isLive} ${createRevision} ${modRevision} ${version.version}`);
    return true;
  });
  return lines;
}

describe('Sorting keys', () => {
  it('orders them as their bytes', () => {
    fc.assert(
      fc.property(fc.array(keyArbitrary, { maxLength: 400, size: 'max' }), (given) => {
        const keys = [...new Map(given.map((key) => [binaryString(key), key])).values()];
        const arena = new KeyArena();
        const handles = Uint32Array.from(keys, (key) => arena.add(key));
        sortKeys(arena, handles);
        const sorted = [...handles].map((handle) => binaryString(arena.keyOf(handle)));
        assert.deepEqual(
          sorted,
          keys.toSorted(compareBytes).map((key) => binaryString(key)),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('An index built at once', () => {
  const write = fc.record({ key: keyArbitrary, isDelete: fc.boolean() });

  it('is the one that its versions, put in one by one, would have made', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 600, size: 'max' }), (writes) => {
        const oneByOne = new KeyIndex();
        const built = new KeyIndex();
        const builder = new IndexBuilder(built);
        writes.forEach(({ key, isDelete }, i) => {
          const createRevision = isDelete ? 0 : i + 2;
          const row = {
            main: i + 2,
            sub: 0,
            createRevision,
            version: isDelete ? 0 : 1,
            rowBytes: 0,
          };
          oneByOne.restore(key, row);
          builder.add(key, row);
        });
        builder.finish();
        assert.deepEqual(dumped(built), dumped(oneByOne));
        assert.equal(built.tree.liveCount, oneByOne.tree.liveCount);
      }),
      { numRuns: 200 },
    );
  });

  it('of many keys counts, finds and takes more of them', () => {
    const index = new KeyIndex();
    const builder = new IndexBuilder(index);
    const name = (i: number): Bytes => utf8(`/some/prefix/${String((i * 7919) % 20_011)}`);
    for (let i = 0; i < 20_000; i++) {
      builder.add(name(i), { main: i + 2, sub: 0, createRevision: i + 2, version: 1, rowBytes: 0 });
    }
    builder.finish();
    assert.equal(index.tree.liveCount, 20_000);
    for (let i = 20_000; i < 20_011; i++) index.put(name(i), i + 2, 0);
    assert.equal(index.tree.count(everything), 20_011);
    for (let i = 0; i < 20_011; i++) assert.notEqual(index.tree.find(name(i)), 0);
    const keys = dumped(index).map((line) => line.split(' ')[0]);
    assert.deepEqual(keys, keys.toSorted());
  });

  it('does not take forever when keys are made to collide', () => {
    const colliding: Bytes[] = [];
    for (let i = 0; colliding.length < 300; i++) {
      const key = utf8(`k${i}`);
      if ((hashKey(key) & 4095) < 8) colliding.push(key);
    }
    const index = new KeyIndex();
    const builder = new IndexBuilder(index);
    colliding.forEach((key, i) => {
      builder.add(key, { main: i + 2, sub: 0, createRevision: i + 2, version: 1, rowBytes: 0 });
      // From where the hash table is given up on, keys are in the tree at once.
      if (i > 136) assert.equal(index.tree.liveCount, i + 1);
    });
    builder.finish();
    assert.equal(index.tree.liveCount, 300);
    for (const key of colliding) assert.notEqual(index.tree.find(key), 0);
  });
});
