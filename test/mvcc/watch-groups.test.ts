import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { utf8 } from '../../src/base/bytes.ts';
import { isWithinRange, keyRangeOf } from '../../src/mvcc/key-range.ts';
import type { KeyRange, WatcherId } from '../../src/mvcc/types.ts';
import { WatchGroups } from '../../src/mvcc/watch-groups.ts';
import { WatchedKeys, WatchSide } from '../../src/mvcc/watched-keys.ts';
import { latin1 } from './model.ts';
import { rangeOf } from './rows.ts';

function twoGroups(): readonly [WatchGroups, WatchGroups] {
  const keys = new WatchedKeys();
  return [new WatchGroups(keys, WatchSide.front), new WatchGroups(keys, WatchSide.back)];
}

/** Those that are told of a change of `key`. */
function found(groups: WatchGroups, key: string): number[] {
  const watchers: WatcherId[] = [];
  groups.collect(latin1(key), watchers);
  return watchers.sort((a, b) => a - b);
}

/** Short keys of few bytes, so that they meet; 0x00 and 0xff are where orders go wrong. */
const key = fc
  .array(fc.constantFrom('\0', 'a', 'b', '\x80', '\xff'), { minLength: 1, maxLength: 3 })
  .map((characters) => characters.join(''));
const range = fc
  .record({ from: key, end: fc.oneof(fc.constant(''), fc.constant('\0'), key) })
  .map(({ from, end }) => keyRangeOf(latin1(from), latin1(end)));

describe('watch groups', () => {
  it('find whoever watches a key, as a look at each of them does', () => {
    const change = fc.oneof(
      fc.record({ type: fc.constant('add' as const), range }),
      fc.record({ type: fc.constantFrom('remove' as const, 'move' as const), at: fc.nat() }),
    );
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60, size: 'max' }),
        fc.array(key),
        (changes, keys) => {
          const groups = twoGroups();
          const all: { watcher: WatcherId; range: KeyRange; group: 0 | 1 }[] = [];
          const free: WatcherId[] = [];
          for (const step of changes) {
            if (step.type === 'add') {
              const watcher = free.pop() ?? all.length + 1;
              groups[0].add(step.range, watcher);
              all.push({ watcher, range: step.range, group: 0 });
              continue;
            }
            const watching = all[step.at % Math.max(1, all.length)];
            if (watching === undefined) continue;
            const { watcher, group } = watching;
            if (step.type === 'remove') {
              groups[group].remove(watcher);
              all.splice(all.indexOf(watching), 1);
              free.push(watcher);
            } else {
              watching.group = group === 0 ? 1 : 0;
              groups[watching.group].takeFrom(groups[group], watcher);
            }
          }
          for (const group of [0, 1] as const) {
            const inGroup = all.filter((watching) => watching.group === group);
            assert.equal(groups[group].size, inGroup.length);
            for (const each of keys) {
              const expected = inGroup.filter(({ range: its }) => isWithinRange(latin1(each), its));
              const numbers = expected.map(({ watcher }) => watcher).sort((a, b) => a - b);
              assert.deepEqual(found(groups[group], each), numbers);
            }
          }
        },
      ),
    );
  });

  it('find those of one key in the order in which they came', () => {
    const groups = twoGroups()[0];
    for (const watcher of [5, 3, 9, 1]) groups.add(rangeOf('k'), watcher);
    groups.remove(5);
    groups.remove(9);
    groups.add(rangeOf('k'), 2);
    const watchers: WatcherId[] = [];
    groups.collect(utf8('k'), watchers);
    assert.deepEqual(watchers, [3, 1, 2]);
  });

  it('tell one watched key from another, and where a watcher watches a range', () => {
    const groups = twoGroups()[0];
    groups.add(rangeOf('a'), 1);
    groups.add(rangeOf('b'), 2);
    groups.add(rangeOf('a'), 3);
    groups.add(rangeOf('a', 'c'), 4);
    const numbers = [1, 2, 3, 4].map((watcher) => groups.keyNumberOf(watcher));
    assert.ok(numbers[0] === numbers[2] && numbers[0] !== numbers[1] && numbers[3] === 0);
    assert.deepEqual(groups.keyOf(2), utf8('b'));
  });

  it('look at no range for a key nobody watches with 100,000 watchers of others', () => {
    const groups = twoGroups()[0];
    for (let watcher = 1; watcher <= 100_000; watcher++) {
      groups.add(rangeOf(`key-${watcher}`), watcher);
    }
    assert.equal(groups.collect(utf8('nobody'), []), 0);
  });

  it('look at few places among 100,000 watched ranges', () => {
    const groups = twoGroups()[0];
    for (let watcher = 1; watcher <= 100_000; watcher++) {
      const start = `dir-${String(watcher).padStart(6, '0')}/`;
      groups.add(rangeOf(start, `${start.slice(0, -1)}0`), watcher);
    }
    const watchers: WatcherId[] = [];
    assert.ok(groups.collect(utf8('nobody'), watchers) <= 2);
    const between = groups.collect(utf8('dir-050000-'), watchers);
    assert.ok(between <= 40, `${between} places for a key between two ranges`);
    assert.deepEqual(watchers, []);
    const hit = groups.collect(utf8('dir-050000/x'), watchers);
    assert.ok(hit <= 60, `${hit} places for a key in one range`);
    assert.deepEqual(watchers, [50_000]);
  });
});
