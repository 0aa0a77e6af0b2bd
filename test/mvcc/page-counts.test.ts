import assert from 'node:assert/strict';
import { PageCounts } from '../../src/mvcc/page-counts.ts';
import { rangeOf } from './rows.ts';

describe('what is left after a page', () => {
  it('is of one range at one revision and of no other', () => {
    const counts = new PageCounts();
    counts.set(rangeOf('b', 'd'), 7, 40);
    assert.equal(counts.get(rangeOf('b', 'd'), 7), 40);
    for (const [key, end, revision] of [
      ['b', 'd', 8],
      ['b', 'e', 7],
      ['a', 'd', 7],
      ['bd', '', 7],
      ['b', '\0', 7],
      ['b', '', 7],
    ] as const) {
      assert.equal(counts.get(rangeOf(key, end), revision), undefined, `${key} to ${end}`);
    }
  });

  it('is forgotten for lists that nobody has gone on with for long', () => {
    const counts = new PageCounts();
    for (let i = 0; i < 1000; i++) {
      counts.set(rangeOf(`${i}`, 'z'), 7, i);
      counts.set(rangeOf('in use', 'z'), 7, i);
    }
    assert.equal(counts.get(rangeOf('0', 'z'), 7), undefined);
    assert.equal(counts.get(rangeOf('in use', 'z'), 7), 999);
  });
});
