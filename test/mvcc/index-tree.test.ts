import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { binaryString, compareBytes, utf8, type Bytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { IndexTree } from '../../src/mvcc/index-tree.ts';
import { KeyArena } from '../../src/mvcc/key-arena.ts';
import type { KeyRange } from '../../src/mvcc/types.ts';

/** The tree beside a sorted array of the same keys. */
class TwinTree {
  readonly arena = new KeyArena();
  readonly tree = new IndexTree(this.arena);
  private entries: { readonly key: Bytes; isLive: boolean }[] = [];

  put(key: Bytes): void {
    const at = this.entries.findIndex((entry) => compareBytes(entry.key, key) >= 0);
    const found = this.entries[at];
    if (found !== undefined && compareBytes(found.key, key) === 0) {
      if (!found.isLive) this.tree.revive(key);
      found.isLive = true;
      return;
    }
    this.entries.splice(at < 0 ? this.entries.length : at, 0, { key, isLive: true });
    this.tree.insert(this.arena.add(key), key, true);
  }

  kill(range: KeyRange): void {
    const killed: string[] = [];
    this.tree.killLive(range, (handle) => killed.push(binaryString(this.arena.keyOf(handle))) > 0);
    const expected = this.within(range).filter((entry) => entry.isLive);
    assert.deepEqual(
      killed,
      expected.map((entry) => binaryString(entry.key)),
    );
    for (const entry of expected) entry.isLive = false;
  }

  remove(key: Bytes): void {
    const at = this.entries.findIndex((entry) => compareBytes(entry.key, key) === 0);
    if (at < 0) {
      assert.equal(this.tree.find(key), 0);
      return;
    }
    this.entries.splice(at, 1);
    const handle = this.tree.find(key);
    this.tree.remove(key);
    this.arena.free(handle);
  }

  check(range: KeyRange): void {
    const expected = this.within(range);
    const live = expected.filter((entry) => entry.isLive);
    assert.equal(this.tree.count(range), live.length);
    assert.deepEqual(
      this.visited(range, 'visit'),
      expected.map((entry) => binaryString(entry.key)),
    );
    assert.deepEqual(
      this.visited(range, 'visitLive'),
      live.map((entry) => binaryString(entry.key)),
    );
  }

  get keys(): readonly Bytes[] {
    return this.entries.map((entry) => entry.key);
  }

  private visited(range: KeyRange, how: 'visit' | 'visitLive'): string[] {
    const seen: string[] = [];
    this.tree[how](range, (handle) => seen.push(binaryString(this.arena.keyOf(handle))) > 0);
    return seen;
  }

  private within({ from, to }: KeyRange): { readonly key: Bytes; isLive: boolean }[] {
    return this.entries.filter(
      ({ key }) => compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0),
    );
  }
}

const numbered = (n: number): Bytes => utf8(`k${String(n).padStart(6, '0')}`);
const everything: KeyRange = { from: new Uint8Array(0), to: undefined };

describe('index tree', () => {
  for (const [order, keyAt] of [
    ['ascending', (i: number) => i],
    ['descending', (i: number) => 3000 - i],
    ['scattered', (i: number) => (i * 1283) % 3001],
  ] as const) {
    it(`holds ${order} keys through splits of leaves and inner nodes, and through their removal`, () => {
      const twin = new TwinTree();
      for (let i = 0; i < 3000; i++) twin.put(numbered(keyAt(i)));
      twin.check(everything);
      twin.check({ from: numbered(700), to: numbered(2300) });
      twin.kill({ from: numbered(1000), to: numbered(1999) });
      twin.check(everything);
      for (let i = 0; i < 3000; i += 3) twin.remove(numbered(keyAt(i)));
      twin.check(everything);
      for (const key of twin.keys.slice(20)) twin.remove(key);
      twin.check(everything);
      for (const key of twin.keys) twin.remove(key);
      twin.check(everything);
      twin.put(numbered(1));
      twin.check(everything);
    });
  }

  it('fills leaves to the last entry when keys ascend, so that a bulk load takes no extra space', () => {
    const arena = new KeyArena();
    const tree = new IndexTree(arena);
    for (let i = 0; i < 12_800; i++) tree.insert(arena.add(numbered(i)), numbered(i), true);
    assert.equal(tree.leafCount, 100);
  });

  it('joins leaves that removals have emptied', () => {
    const arena = new KeyArena();
    const tree = new IndexTree(arena);
    for (let i = 0; i < 12_800; i++) tree.insert(arena.add(numbered(i)), numbered(i), true);
    for (let i = 0; i < 12_800; i++) if (i % 64 > 0) tree.remove(numbered(i));
    assert.equal(tree.count(everything), 200);
    assert(tree.leafCount <= 7, `${tree.leafCount} leaves of at most 128 keys for 200 keys`);
  });

  it('agrees with a sorted array under random puts, deletes, removals and counts', () => {
    const random = seededRandom(7);
    const twin = new TwinTree();
    const some = (): Bytes => numbered(random.below(1500));
    for (let round = 0; round < 12_000; round++) {
      const choice = random.below(100);
      // More puts than removals at first, and the other way round later: it grows, then shrinks.
      const puts = round < 6000 ? 70 : 25;
      if (choice < puts) twin.put(some());
      else if (choice < 90) twin.remove(some());
      else twin.kill({ from: some(), to: some() });
      if (round % 97 === 0) twin.check({ from: some(), to: some() });
    }
    twin.check(everything);
  });

  it('orders keys of any bytes and lengths, a prefix first', () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(key, { maxLength: 300, size: 'max' }), key, key, (keys, from, to) => {
        const twin = new TwinTree();
        for (const each of keys) twin.put(each);
        twin.check({ from, to });
        twin.check({ from, to: undefined });
      }),
      { numRuns: 60 },
    );
  });
});

describe('key arena', () => {
  it('keeps keys of one byte and of a megabyte apart, and uses freed space again', () => {
    const arena = new KeyArena();
    const large = new Uint8Array(1_400_000).fill(0x61);
    const first = arena.add(large);
    const small = arena.add(utf8('a'));
    assert.deepEqual(arena.keyOf(first), large);
    assert.deepEqual(arena.keyOf(small), utf8('a'));
    arena.setNewest(small, 7);
    arena.free(first);
    arena.free(small);
    assert.equal(arena.add(utf8('b')), small);
    assert.equal(arena.add(large), first);
    assert.equal(arena.newestOf(small), 0);
  });

  it('goes on in a new slab when one is full', () => {
    const arena = new KeyArena();
    const handles = Array.from({ length: 9 }, (_, i) => arena.add(new Uint8Array(300_000).fill(i)));
    handles.forEach((handle, i) => assert.equal(arena.keyOf(handle)[299_999], i));
  });
});
