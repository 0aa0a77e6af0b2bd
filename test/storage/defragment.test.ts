import assert from 'node:assert/strict';
import { compareBytes, emptyBytes } from '../../src/base/bytes.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import type { Database } from '../../src/storage/database.ts';
import { compactByRanges } from '../../src/storage/defragment.ts';
import { encodeRowKey } from '../../src/mvcc/revision.ts';
import { replicatedTo, revisionKey } from '../../src/storage/store-rows.ts';

const mebibyte = 1024 * 1024;

/** Knows the bytes of each revision, and writes down which ranges it was told to compact. */
class Ranges {
  readonly compacted: (readonly [Bytes, Bytes])[] = [];
  failAt: number | undefined;
  private readonly bytesOf: (revision: number) => number;

  constructor(bytesOf: (revision: number) => number) {
    this.bytesOf = bytesOf;
  }

  compact(newest: number): Promise<Error | undefined> {
    const database: Pick<Database, 'approximateBytes' | 'compactRange'> = {
      approximateBytes: (from, to, done) => {
        let total = 0;
        for (let revision = 0; revision <= newest; revision++) {
          const key = revisionKey(encodeRowKey(revision, 0, false));
          const isIn = compareBytes(key, from) >= 0 && compareBytes(key, to) < 0;
          if (isIn) total += this.bytesOf(revision);
        }
        setImmediate(done, undefined, total);
      },
      compactRange: (from, to, done) => {
        this.compacted.push([from, to]);
        const isFailing = this.compacted.length === this.failAt;
        setImmediate(done, isFailing ? new Error('no disk') : undefined);
      },
    };
    return new Promise((resolve) => compactByRanges(database as Database, newest, resolve));
  }

  /** How many of the ranges hold the row of this revision. */
  covering(revision: number): number {
    const key = revisionKey(encodeRowKey(revision, 0, false));
    return this.compacted.filter(
      ([from, to]) => compareBytes(from, key) <= 0 && compareBytes(key, to) < 0,
    ).length;
  }
}

describe('a defragmentation', () => {
  it('goes range by range, so that LevelDB never removes many files in one go', async () => {
    const ranges = new Ranges((revision) => (revision < 50 ? mebibyte : 1000));
    assert.equal(await ranges.compact(1000), undefined);
    assert.ok(ranges.compacted.length > 25, `${ranges.compacted.length} ranges`);
    for (let revision = 0; revision <= 1000; revision++) assert.equal(ranges.covering(revision), 1);
  });

  it('covers everything else that is replicated, and goes in order', async () => {
    const ranges = new Ranges(() => mebibyte);
    await ranges.compact(10);
    assert.deepEqual(ranges.compacted[0]?.[0], emptyBytes);
    assert.deepEqual(ranges.compacted.at(-1)?.[1], replicatedTo);
    for (const [i, [, to]] of ranges.compacted.entries()) {
      const next = ranges.compacted[i + 1];
      if (next !== undefined) assert.ok(compareBytes(to, next[0]) <= 0);
    }
  });

  it('passes over what holds no bytes, and takes one revision whole, however large', async () => {
    const ranges = new Ranges((revision) => (revision === 7 ? 100 * mebibyte : 0));
    await ranges.compact(1_000);
    assert.equal(ranges.covering(7), 1);
    assert.equal(ranges.covering(500), 0);
    assert.equal(ranges.compacted.length, 3);
  });

  it('ends at an error', async () => {
    const ranges = new Ranges(() => mebibyte);
    ranges.failAt = 4;
    assert.match(String(await ranges.compact(100)), /no disk/);
    assert.equal(ranges.compacted.length, 4);
  });
});
