import assert from 'node:assert/strict';
import type { DataDir, LogStore } from '../../src/storage/types.ts';
import { appended, closed, committed, entriesOf, entry } from '../storage/support.ts';
import type { Fixture } from '../storage/support.ts';

/** What every LogStore keeps to, whatever it is built on. */
export function logStoreContract(name: string, makeFixture: () => Fixture): void {
  describe(`LogStore on ${name}`, () => {
    let fixture: Fixture;
    let dataDir: DataDir;
    let log: LogStore;

    beforeEach(async () => {
      fixture = makeFixture();
      await fixture.create();
      await reopen();
    });
    afterEach(() => fixture.end());

    async function reopen(logCacheBytesMax?: number): Promise<void> {
      if (dataDir !== undefined) await closed(dataDir);
      dataDir = await fixture.open(logCacheBytesMax === undefined ? {} : { logCacheBytesMax });
      log = dataDir.log;
    }

    /** The log may be compacted only up to what the store has committed. */
    async function applied(appliedIndex: number, appliedTerm: number): Promise<void> {
      const { store } = dataDir;
      await committed(store, { state: { ...store.state, appliedIndex, appliedTerm } });
    }

    function indexes(from: number, to: number): number[] {
      return log.entries(from, to + 1, Infinity).map((entry) => entry.index);
    }

    it('is empty at first, with term 0 at index 0', () => {
      assert.equal(log.firstIndex(), 1);
      assert.equal(log.lastIndex(), 0);
      assert.equal(log.term(0), 0);
      assert.equal(log.term(1), undefined);
    });

    it('shows what was appended, and still after opening again', async () => {
      await appended(log, [entry(1, 1, 'a'), entry(2, 1, '')], { term: 1, vote: 7n, commit: 1 });
      const hardState = { term: 2, vote: 7n, commit: 1 };
      await appended(log, [{ ...entry(3, 2, 'c'), type: 'confChange' }], hardState);
      assertShown();
      await reopen();
      assertShown();
    });

    function assertShown(): void {
      assert.equal(log.lastIndex(), 3);
      assert.deepEqual(log.hardState, { term: 2, vote: 7n, commit: 1 });
      assert.deepEqual(log.entries(1, 4, Infinity), [
        entry(1, 1, 'a'),
        entry(2, 1, ''),
        { ...entry(3, 2, 'c'), type: 'confChange' },
      ]);
      assert.deepEqual(
        [0, 1, 2, 3, 4].map((index) => log.term(index)),
        [0, 1, 1, 2, undefined],
      );
    }

    it('shows an append only when it is done', async () => {
      const appending = appended(log, [entry(1, 1)]);
      assert.equal(log.lastIndex(), 0);
      await appending;
      assert.equal(log.lastIndex(), 1);
    });

    it('allows one append in flight', async () => {
      const appending = appended(log, [entry(1, 1)]);
      assert.throws(() => log.append({ entries: [entry(2, 1)], hardState: undefined }, () => {}));
      await appending;
    });

    it('replaces a suffix together with what lies beyond its new end', async () => {
      await appended(log, entriesOf(1, 6, 1));
      await appended(log, [entry(3, 2, 'new')], { term: 2, vote: 0n, commit: 0 });
      assert.equal(log.lastIndex(), 3);
      assert.equal(log.term(3), 2);
      assert.equal(log.term(4), undefined);
      await reopen();
      assert.equal(log.lastIndex(), 3);
      assert.deepEqual(log.entries(2, 4, Infinity), [entry(2, 1), entry(3, 2, 'new')]);
      await appended(log, [entry(4, 2)]);
      assert.deepEqual(indexes(1, 4), [1, 2, 3, 4]);
    });

    it('replaces a suffix wherever it begins, within what one append brought or between two', async () => {
      for (let from = 2; from <= 9; from++) {
        await reopen(1);
        const hardState = { term: from, vote: 0n, commit: 0 };
        await new Promise<void>((resolve) => log.reset(0, 0, hardState, resolve));
        await appended(log, entriesOf(1, 3, 1));
        await appended(log, entriesOf(4, 6, 1));
        await appended(log, entriesOf(7, 9, 1));
        await appended(log, entriesOf(from, from + 1, from), hardState);
        const expected = [...entriesOf(1, from - 1, 1), ...entriesOf(from, from + 1, from)];
        assert.deepEqual(log.entries(1, from + 2, Infinity), expected);
        await reopen(1);
        assert.equal(log.lastIndex(), from + 1);
        assert.deepEqual(log.entries(1, from + 2, Infinity), expected);
        await appended(log, [entry(from + 2, from)]);
        assert.deepEqual(log.entries(1, from + 3, Infinity), [...expected, entry(from + 2, from)]);
      }
    });

    it('replaces what follows the entry it was compacted to', async () => {
      for (const isOnDisk of [true, false]) {
        const hardState = { term: 2, vote: 0n, commit: 3 };
        await new Promise<void>((resolve) => log.reset(0, 0, hardState, resolve));
        await appended(log, entriesOf(1, 6, 2));
        await applied(3, 2);
        log.compact(3);
        if (isOnDisk) await appended(log, []);
        await appended(log, [entry(4, 3)], { term: 3, vote: 0n, commit: 3 });
        await reopen();
        assert.deepEqual(log.entries(4, 5, Infinity), [entry(4, 3)]);
        assert.equal(log.term(3), 2);
        await appended(log, [entry(5, 3)]);
        log.compact(3);
        await appended(log, []);
        await reopen();
        assert.deepEqual([log.firstIndex(), log.lastIndex()], [4, 5]);
      }
    });

    it('keeps entries of any size together and apart', async () => {
      const sizes = [10, 700_000, 700_000, 1_500_000, 1, 0, 1_048_500, 80];
      const entries = sizes.map((size, i) => entry(i + 1, 1, new Uint8Array(size).fill(i)));
      await appended(log, entries);
      assert.deepEqual(log.entries(1, 9, Infinity), entries);
      await reopen(1);
      assert.deepEqual(log.entries(1, 9, Infinity), entries);
    });

    it('refuses entries that leave a gap, repeat an index or go back in term', async () => {
      await appended(log, entriesOf(1, 2, 2), { term: 2, vote: 0n, commit: 0 });
      const append = (...entries: ReturnType<typeof entry>[]): void =>
        log.append({ entries, hardState: undefined }, () => {});
      assert.throws(() => append(entry(4, 2)));
      assert.throws(() => append(entry(3, 2), entry(3, 2)));
      assert.throws(() => append(entry(3, 1)));
    });

    it('gives at least one entry, and no more than the bytes asked for', async () => {
      await appended(
        log,
        [1, 2, 3].map((index) => entry(index, 1, 'x'.repeat(100))),
      );
      assert.equal(log.entries(1, 4, 0).length, 1);
      assert.equal(log.entries(1, 4, 200).length, 2);
      assert.equal(log.entries(1, 4, 299).length, 2);
      assert.equal(log.entries(1, 4, 300).length, 3);
    });

    it('reads entries that memory does not hold any more', async () => {
      await reopen(1);
      await appended(log, entriesOf(1, 200, 1));
      await appended(log, entriesOf(201, 300, 1));
      assert.deepEqual(log.entries(1, 301, Infinity), entriesOf(1, 300, 1));
    });

    it('forgets compacted entries at once, and keeps the term before the first', async () => {
      await appended(log, [...entriesOf(1, 5, 1), ...entriesOf(6, 9, 3)], {
        term: 3,
        vote: 0n,
        commit: 9,
      });
      await applied(5, 1);
      log.compact(5);
      assert.equal(log.firstIndex(), 6);
      assert.equal(log.term(4), undefined);
      assert.equal(log.term(5), 1);
      assert.equal(log.term(6), 3);
      assert.throws(() => log.entries(5, 6, Infinity));
      log.compact(3);
      assert.equal(log.firstIndex(), 6);
      // The deletions ride on an append; then opening finds the log where it begins now.
      await appended(log, [entry(10, 3)]);
      await reopen();
      assert.equal(log.firstIndex(), 6);
      assert.equal(log.term(5), 1);
      assert.deepEqual(indexes(6, 10), [6, 7, 8, 9, 10]);
    });

    it('deletes a long compacted part bit by bit, and never leaves a gap', async () => {
      for (let index = 1; index <= 500; index += 2)
        await appended(log, entriesOf(index, index + 1, 1));
      await applied(450, 1);
      log.compact(450);
      await appended(log, [entry(501, 1)]);
      await reopen();
      const first = log.firstIndex();
      assert.ok(first > 1 && first < 451, `begins at ${first}`);
      log.compact(450);
      for (let i = 0; i < 10; i++) await appended(log, []);
      await reopen();
      assert.equal(log.firstIndex(), 451);
      assert.equal(log.lastIndex(), 501);
    });

    it('compacts to its very end', async () => {
      await appended(log, entriesOf(1, 3, 1));
      log.compact(3);
      assert.equal(log.firstIndex(), 4);
      assert.equal(log.lastIndex(), 3);
      await appended(log, [entry(4, 1)]);
      assert.deepEqual(indexes(4, 4), [4]);
    });

    it('begins anew after a reset, whether that lies within it or beyond', async () => {
      await appended(log, entriesOf(1, 30, 1));
      for (const [index, term] of [
        [10, 4],
        [1000, 5],
      ] as const) {
        const hardState = { term, vote: 3n, commit: index };
        await new Promise<void>((resolve) => log.reset(index, term, hardState, resolve));
        assert.equal(log.firstIndex(), index + 1);
        assert.equal(log.lastIndex(), index);
        assert.equal(log.term(index), term);
        assert.deepEqual(log.hardState, hardState);
        await appended(log, [entry(index + 1, term)]);
      }
    });

    it('finds a reset log after opening', async () => {
      await appended(log, entriesOf(1, 5, 1));
      const hardState = { term: 2, vote: 0n, commit: 0 };
      await new Promise<void>((resolve) => log.reset(0, 0, hardState, resolve));
      await appended(log, [entry(1, 2)]);
      await reopen();
      assert.deepEqual(log.entries(1, 2, Infinity), [entry(1, 2)]);
    });
  });
}
