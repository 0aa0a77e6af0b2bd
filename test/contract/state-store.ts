import assert from 'node:assert/strict';
import type { Bytes } from '../../src/base/bytes.ts';
import type { DataDir, Row, StateStore } from '../../src/storage/types.ts';
import { appended, closed, committed, entriesOf } from '../storage/support.ts';
import type { Fixture } from '../storage/support.ts';

export function key(revision: number): Bytes {
  return new TextEncoder().encode(`${String(revision).padStart(8, '0')}_`);
}

export function row(revision: number, value = `value ${revision}`): Row {
  return { key: key(revision), value: new TextEncoder().encode(value) };
}

export function rowsOf(from: number, to: number): Row[] {
  return Array.from({ length: to - from + 1 }, (_, i) => row(from + i));
}

export function collected(
  store: StateStore,
  from: Bytes,
  to: Bytes | undefined,
  rowsMax = 7,
): Promise<Row[]> {
  const rows: Row[] = [];
  return new Promise((resolve) => {
    store.scan(from, to, rowsMax, (batch, isLast, resume) => {
      assert.ok(batch.length <= rowsMax);
      rows.push(...batch);
      if (isLast) resolve(rows);
      else resume();
    });
  });
}

export function hashOf(store: StateStore): Promise<number> {
  return new Promise((resolve) => store.hash(resolve));
}

const confState = {
  voters: [1n, 2n ** 64n - 1n],
  votersOutgoing: [3n],
  learners: [4n],
  learnersNext: [5n],
  autoLeave: true,
};

/** What every StateStore keeps to, whatever it is built on. */
export function stateStoreContract(name: string, makeFixture: () => Fixture): void {
  describe(`StateStore on ${name}`, () => {
    let fixture: Fixture;
    let dataDir: DataDir;
    let store: StateStore;

    beforeEach(async () => {
      fixture = makeFixture();
      await fixture.create();
      dataDir = await fixture.open();
      // The log reaches as far as the store will say that it has applied.
      await appended(dataDir.log, entriesOf(1, 20, 1));
      store = dataDir.store;
    });
    afterEach(() => fixture.end());

    async function reopen(onRows?: (rows: readonly Row[]) => void): Promise<void> {
      await closed(dataDir);
      dataDir = await fixture.open(onRows === undefined ? {} : { onRows });
      store = dataDir.store;
    }

    const all = (): Promise<Row[]> => collected(store, key(0), undefined);

    it("has applied nothing at first, at etcd's first revision", async () => {
      assert.deepEqual(store.state, {
        appliedIndex: 0,
        appliedTerm: 0,
        revision: 1,
        compactRevision: -1,
        scheduledCompaction: -1,
        confState: {
          voters: [],
          votersOutgoing: [],
          learners: [],
          learnersNext: [],
          autoLeave: false,
        },
      });
      assert.deepEqual(store.sizes, { dbSizeInUse: 0, dbSize: 0 });
      assert.deepEqual(await all(), []);
    });

    it('keeps a commit whole over opening again', async () => {
      const state = {
        appliedIndex: 5,
        appliedTerm: 1,
        revision: 2 ** 53 - 1,
        compactRevision: 3,
        scheduledCompaction: 4,
        confState,
      };
      const lease = { space: 'lease', key: key(1), value: new Uint8Array([1, 2]) } as const;
      await committed(store, { state, put: rowsOf(2, 30), changes: [lease] });
      const seen: Row[] = [];
      await reopen((rows) => seen.push(...rows));
      assert.deepEqual(store.state, state);
      assert.deepEqual(await all(), rowsOf(2, 30));
      assert.deepEqual(seen, rowsOf(2, 30), 'opening hands out the rows that it checks');
      assert.deepEqual(store.spaces.get('lease'), [{ key: lease.key, value: lease.value }]);
      assert.deepEqual(store.get(key(7)), row(7).value);
      assert.equal(store.get(key(31)), undefined);
    });

    it('shows the state of a commit when it is done', async () => {
      const state = { ...store.state, appliedIndex: 3, appliedTerm: 1, revision: 9 };
      const committing = committed(store, { state, put: [row(2)] });
      assert.equal(store.state.appliedIndex, 0);
      await committing;
      assert.deepEqual(store.state, state);
    });

    it('allows one commit in flight, and no way back of the applied index', async () => {
      const state = { ...store.state, appliedIndex: 3, appliedTerm: 1 };
      const committing = committed(store, { state });
      await assert.rejects(committed(store, {}));
      await committing;
      await assert.rejects(committed(store, { state: { ...state, appliedIndex: 2 } }));
    });

    it('refuses rows that are not new', async () => {
      await committed(store, { put: rowsOf(5, 6) });
      await assert.rejects(committed(store, { put: [row(6)] }));
      await assert.rejects(committed(store, { put: [row(8), row(7)] }));
    });

    it('scans a range in order, in batches, of what was there when it began', async () => {
      await committed(store, { put: rowsOf(1, 50) });
      const scanning = collected(store, key(10), key(31));
      await committed(store, { deleted: [key(20)], put: [row(60)] });
      assert.deepEqual(await scanning, rowsOf(10, 30));
      assert.equal((await all()).length, 50);
    });

    it('gives one empty last batch for an empty range', async () => {
      await committed(store, { put: rowsOf(1, 3) });
      assert.deepEqual(await collected(store, key(4), undefined), []);
      assert.deepEqual(await collected(store, key(2), key(2)), []);
    });

    it('says nothing after a scan was closed', async () => {
      await committed(store, { put: rowsOf(1, 50) });
      await new Promise<void>((resolve, reject) => {
        const scan = store.scan(key(0), undefined, 5, (_rows, _isLast, resume) => {
          scan.close();
          resume();
          setTimeout(resolve, 20);
          if (_isLast) reject(new Error('the scan went on'));
        });
      });
    });

    it('deletes rows, also those of the same commit, and counts what stays', async () => {
      await committed(store, { put: rowsOf(1, 200) });
      const deleted = rowsOf(1, 150).map(({ key }) => key);
      await committed(store, { put: rowsOf(201, 203), deleted: [...deleted, key(202), key(999)] });
      const left = [...rowsOf(151, 201), row(203)];
      assert.deepEqual(await all(), left);
      assert.equal(
        store.sizes.dbSizeInUse,
        left.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
      );
      // Opening counts anew and would refuse a difference.
      await reopen();
      assert.deepEqual(await all(), left);
    });

    it('keeps the small spaces apart, each in key order', async () => {
      const change = (space: 'lease' | 'alarm', name: string, value: string | undefined) => ({
        space,
        key: new TextEncoder().encode(name),
        value: value === undefined ? undefined : new TextEncoder().encode(value),
      });
      await committed(store, {
        changes: [
          change('lease', 'b', '1'),
          change('lease', 'a', '2'),
          change('alarm', 'a', '3'),
          change('lease', 'b', '4'),
          change('lease', 'c', '5'),
        ],
      });
      await committed(store, {
        changes: [change('lease', 'c', undefined), change('lease', 'd', undefined)],
      });
      for (let opening = 0; opening < 2; opening++) {
        const text = (rows: readonly Row[] | undefined): string =>
          (rows ?? [])
            .map((row) => new TextDecoder().decode(row.key) + new TextDecoder().decode(row.value))
            .join(' ');
        assert.equal(text(store.spaces.get('lease')), 'a2 b4');
        assert.equal(text(store.spaces.get('alarm')), 'a3');
        assert.equal(text(store.spaces.get('members')), '');
        assert.deepEqual(await all(), [], 'and none of them among the revisions');
        await reopen();
      }
    });

    it('counts deleted bytes in dbSize until a defragmentation, over opening again', async () => {
      await committed(store, { put: rowsOf(1, 100) });
      const full = store.sizes.dbSizeInUse;
      await committed(store, { deleted: rowsOf(1, 60).map(({ key }) => key) });
      const { dbSizeInUse, dbSize } = store.sizes;
      assert.ok(dbSizeInUse < full);
      assert.equal(dbSize, full);
      await reopen();
      assert.deepEqual(store.sizes, { dbSizeInUse, dbSize });
      await new Promise<void>((resolve) => store.defragment(resolve));
      assert.deepEqual(store.sizes, { dbSizeInUse, dbSize: dbSizeInUse });
      await committed(store, { put: [row(101)] });
      await reopen();
      assert.equal(store.sizes.dbSize, store.sizes.dbSizeInUse);
      assert.equal((await all()).length, 41);
    });

    it('hashes every replicated row, and not what differs between members', async () => {
      const empty = await hashOf(store);
      await committed(store, { put: rowsOf(1, 3) });
      const hash = await hashOf(store);
      assert.notEqual(hash, empty);
      await committed(store, { state: { ...store.state, scheduledCompaction: 2 } });
      assert.equal(await hashOf(store), hash);
      const change = { space: 'members', key: key(1), value: new Uint8Array(1) } as const;
      await committed(store, { changes: [change] });
      assert.notEqual(await hashOf(store), hash);
      await committed(store, { changes: [{ ...change, value: undefined }] });
      assert.equal(await hashOf(store), hash);
    });

    it('holds any bytes', async () => {
      const keys = [new Uint8Array([0]), new Uint8Array([0, 0]), new Uint8Array([255, 255])];
      const rows = keys.map((key, i) => ({ key, value: new Uint8Array(i * 70_000) }));
      await committed(store, { put: rows });
      await reopen();
      assert.deepEqual(await collected(store, new Uint8Array(0), undefined), rows);
    });
  });
}
