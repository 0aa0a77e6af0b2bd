import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { binaryString } from '../../src/base/bytes.ts';
import { isWithinRange, keyRangeOf } from '../../src/mvcc/key-range.ts';
import type { KeyRange } from '../../src/mvcc/types.ts';
import { watchedKeys, WatchGroups } from '../../src/mvcc/watch-groups.ts';
import { latin1 } from './model.ts';
import { rangeOf } from './rows.ts';

interface Watching {
  readonly name: number;
  readonly range: KeyRange;
}

/** Names of those that are told of a change of `key`. */
function found(groups: WatchGroups<Watching>, key: string): number[] {
  const watchers: Watching[] = [];
  groups.collect(key, watchers);
  return watchers.map(({ name }) => name).sort((a, b) => a - b);
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
      fc.record({ type: fc.constant('remove' as const), at: fc.nat() }),
    );
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60, size: 'max' }),
        fc.array(key),
        (changes, keys) => {
          const groups = new WatchGroups<Watching>();
          const all: Watching[] = [];
          changes.forEach((step, name) => {
            if (step.type === 'add') {
              const watching = { name, range: step.range };
              groups.add(watchedKeys(step.range), watching);
              all.push(watching);
            } else if (all.length > 0) {
              const [removed] = all.splice(step.at % all.length, 1);
              if (removed !== undefined) groups.remove(watchedKeys(removed.range), removed);
            }
          });
          assert.equal(groups.size, all.length);
          for (const each of keys) {
            const expected = all.filter((watching) => isWithinRange(latin1(each), watching.range));
            assert.deepEqual(
              found(groups, each),
              expected.map(({ name }) => name),
            );
          }
        },
      ),
    );
  });

  it('look at no more places for a key nobody watches with 100,000 watchers of others', () => {
    const groups = new WatchGroups<Watching>();
    const looked = (): number => groups.collect('nobody', []);
    const alone = looked();
    for (let name = 0; name < 100_000; name++) {
      const single = rangeOf(`key-${name}`);
      groups.add(watchedKeys(single), { name, range: single });
    }
    assert.equal(looked(), alone);
  });

  it('look at few places among 100,000 watched ranges', () => {
    const groups = new WatchGroups<Watching>();
    for (let name = 0; name < 100_000; name++) {
      const start = `dir-${String(name).padStart(6, '0')}/`;
      const prefix = rangeOf(start, `${start.slice(0, -1)}0`);
      groups.add(watchedKeys(prefix), { name, range: prefix });
    }
    const watchers: Watching[] = [];
    assert.ok(groups.collect('nobody', watchers) <= 2);
    const between = groups.collect(binaryString(latin1('dir-050000-')), watchers);
    assert.ok(between <= 40, `${between} places for a key between two ranges`);
    assert.deepEqual(watchers, []);
    const hit = groups.collect('dir-050000/x', watchers);
    assert.ok(hit <= 60, `${hit} places for a key in one range`);
    assert.deepEqual(
      watchers.map(({ name }) => name),
      [50_000],
    );
  });
});
