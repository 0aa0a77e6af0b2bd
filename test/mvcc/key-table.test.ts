import assert from 'node:assert/strict';
import { binaryString, utf8, type Bytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { KeyArena, type KeyHandle } from '../../src/mvcc/key-arena.ts';
import { hashKey, KeyTable } from '../../src/mvcc/key-table.ts';

const numbered = (n: number): Bytes => utf8(`/registry/pods/${n}`);

describe('a table of keys', () => {
  it('finds what was added and not removed, through doublings and splits of its segments', () => {
    const random = seededRandom(11);
    const arena = new KeyArena();
    const table = new KeyTable(arena);
    const expected = new Map<string, KeyHandle>();
    const keysMax = 60_000;
    for (let step = 0; step < 200_000; step++) {
      const key = numbered(random.below(keysMax));
      const name = binaryString(key);
      const hash = hashKey(key);
      const known = expected.get(name);
      assert.equal(table.find(key, hash), known ?? 0);
      // It grows first, and shrinks later.
      if (known === undefined && random.below(100) < (step < 120_000 ? 90 : 20)) {
        const handle = arena.add(key);
        assert(table.maybeAdd(hash, handle));
        expected.set(name, handle);
      } else if (known !== undefined && random.below(100) < (step < 120_000 ? 10 : 80)) {
        table.remove(key, hash);
        arena.free(known);
        expected.delete(name);
      }
      assert.equal(table.count, expected.size);
    }
    assert(expected.size > 1_000);
    assert.deepEqual(
      [...table.handles()],
      [...expected.values()].toSorted((a, b) => a - b),
    );
    for (const [name, handle] of expected) {
      const key = utf8(name);
      assert.equal(table.firstOf(hashKey(key)), handle, 'no two of these keys have one hash');
    }
  });

  it('leaves out keys that collide, and goes on finding the others', () => {
    const arena = new KeyArena();
    const table = new KeyTable(arena);
    const oneHash = 0x1234_5678;
    let added = 0;
    while (added < 1_000 && table.maybeAdd(oneHash, arena.add(numbered(added)))) added++;
    assert.equal(added, 8);
    for (let i = 0; i < added; i++) assert.notEqual(table.find(numbered(i), oneHash), 0);
    assert.equal(table.find(numbered(added), oneHash), 0);
    for (let i = 2_000; i < 12_000; i++) {
      assert(table.maybeAdd(hashKey(numbered(i)), arena.add(numbered(i))));
    }
    for (let i = 2_000; i < 12_000; i++) {
      assert.notEqual(table.find(numbered(i), hashKey(numbered(i))), 0);
    }
  });

  it('knows nothing of a key that is not there, and removes nothing for it', () => {
    const arena = new KeyArena();
    const table = new KeyTable(arena);
    const here = utf8('here');
    const there = utf8('there');
    const handle = arena.add(here);
    assert(table.maybeAdd(hashKey(here), handle));
    table.remove(there, hashKey(there));
    // Of one hash, and not the same key.
    table.remove(there, hashKey(here));
    assert.equal(table.find(there, hashKey(here)), 0);
    assert.equal(table.find(here, hashKey(here)), handle);
    assert.equal(table.firstOf(hashKey(here) ^ 1), 0);
  });
});
