import assert from 'node:assert/strict';
import { keyRangeOf, isWithinRange } from '../../src/mvcc/key-range.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { KeyRange } from '../../src/mvcc/types.ts';

const rangeOf = (key: string, rangeEnd: string): KeyRange => keyRangeOf(utf8(key), utf8(rangeEnd));

describe('the keys that key and rangeEnd name', () => {
  it('are one, all from the key on, or those up to the end', () => {
    assert.deepEqual(rangeOf('a', ''), { from: utf8('a'), to: utf8('a\0') });
    assert.deepEqual(rangeOf('a', '\0'), { from: utf8('a'), to: undefined });
    assert.deepEqual(rangeOf('\0', '\0'), { from: utf8('\0'), to: undefined });
    assert.deepEqual(rangeOf('a', 'b'), { from: utf8('a'), to: utf8('b') });
  });

  it('are none when the end is not above the key', () => {
    for (const rangeEnd of ['a', 'b', '\0\0']) {
      assert.deepEqual(rangeOf('b', rangeEnd), { from: utf8('b'), to: utf8('b') });
    }
  });

  it('hold a key that is not below the first and below the end', () => {
    const has = (key: string): boolean => isWithinRange(utf8(key), rangeOf('b', 'd'));
    assert.deepEqual(['a', 'b', 'b\0', 'c', 'd'].map(has), [false, true, true, true, false]);
    assert.equal(isWithinRange(utf8('z'), rangeOf('b', '\0')), true);
    assert.equal(isWithinRange(utf8('b\0'), rangeOf('b', '')), false);
  });
});
