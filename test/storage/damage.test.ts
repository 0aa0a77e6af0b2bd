import assert from 'node:assert/strict';
import {
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  appendFileSync,
  writeFileSync,
} from 'node:fs';
import { Level } from 'level';
import type { Bytes } from '../../src/base/bytes.ts';
import { hardStateKey, startKey } from '../../src/storage/log-rows.ts';
import { RunCodec, runKey } from '../../src/storage/log-runs.ts';
import { encodeRecord } from '../../src/storage/record.ts';
import { RowSealer, metaKey, revisionKey } from '../../src/storage/store-rows.ts';
import { key, row, rowsOf } from '../contract/state-store.ts';
import { chunksOf, received } from '../contract/store-image.ts';
import {
  appended,
  closed,
  clusterId,
  committed,
  entriesOf,
  entry,
  errorOf,
  levelFixture,
} from './support.ts';
import type { Fixture } from './support.ts';

/** Files and rows of a real data dir are edited as a failing disk would; opening must notice. */
describe('A damaged data dir', () => {
  let fixture: Fixture;
  let logFolder: string;
  let storeFolder: string;

  beforeEach(async () => {
    fixture = levelFixture();
    await fixture.create();
    logFolder = `${fixture.path}/log-000001`;
    storeFolder = `${fixture.path}/store-000001`;
    const dataDir = await fixture.open();
    await appended(dataDir.log, entriesOf(1, 40, 1), { term: 1, vote: 0n, commit: 30 });
    await appended(dataDir.log, entriesOf(41, 50, 2), { term: 2, vote: 9n, commit: 45 });
    const state = { ...dataDir.store.state, appliedIndex: 45, appliedTerm: 2, revision: 60 };
    await committed(dataDir.store, { state, put: rowsOf(2, 60) });
    await closed(dataDir);
  });
  afterEach(() => fixture.end());

  async function editRows(
    folder: string,
    edit: (db: Level<Bytes, Bytes>) => Promise<void>,
  ): Promise<void> {
    const db = new Level<Bytes, Bytes>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
    await db.open();
    await edit(db);
    await db.close();
  }

  function newest(folder: string, extension: string): string {
    const names = readdirSync(folder).filter((name) => name.endsWith(extension));
    return `${folder}/${names.sort().at(-1)}`;
  }

  function flip(path: string, at: number): void {
    const content = readFileSync(path);
    const position = at < 0 ? content.length + at : at;
    content[position] = (content[position] ?? 0) ^ 0x10;
    writeFileSync(path, content);
  }

  async function refusal(code: string, ...patterns: RegExp[]): Promise<void> {
    const error = await errorOf(fixture.open());
    assert.equal(error.code, code, error.message);
    for (const pattern of patterns) assert.match(error.message, pattern);
    assert.match(error.message, /rejoin as a new member/);
    // It was let go of again: the same answer, not "in use".
    assert.equal((await errorOf(fixture.open())).code, code);
  }

  describe('log in runs of many entries', () => {
    it('with a missing run is refused, with the first index that is missing', async () => {
      await editRows(logFolder, (db) => db.del(runKey(1)));
      await refusal('LOG_DAMAGED', /entry 1 is missing, index 41 follows/);
    });

    it('with a changed byte in the middle of a run is refused', async () => {
      for (const at of [1, 7, 200, 300]) {
        const whole = await changeRun(1, (value) => {
          value[at] = (value[at] ?? 0) ^ 1;
          return value;
        });
        await refusal('LOG_DAMAGED', /the entries from 1 on do not match their checksum/);
        await changeRun(1, () => whole);
      }
    });

    it('with a run cut short between two entries is refused', async () => {
      const codec = new RunCodec(clusterId);
      const { length } = codec.encode(entriesOf(1, 39, 1));
      await changeRun(1, (value) => value.subarray(0, length));
      await refusal('LOG_DAMAGED', /the entries from 1 on do not match their checksum/);
    });

    it('with a run that holds less than it did is refused', async () => {
      const codec = new RunCodec(clusterId);
      await changeRun(1, () => codec.encode(entriesOf(1, 39, 1)));
      await refusal('LOG_DAMAGED', /entry 40 is missing, index 41 follows/);
    });

    it('with a run that reaches into the next is refused', async () => {
      const codec = new RunCodec(clusterId);
      await changeRun(1, () => codec.encode(entriesOf(1, 41, 1)));
      await refusal('LOG_DAMAGED', /entry 42 is missing, index 41 follows/);
    });

    it('with a run that lies before its start is refused', async () => {
      const start = encodeRecord(startKey, [40, 1]);
      await editRows(logFolder, (db) => db.put(startKey, start));
      await refusal('LOG_DAMAGED', /entry 41 is missing, index 40 is the end of a row/);
    });

    it('whose start lies within its first run opens from there', async () => {
      await editRows(logFolder, (db) => db.put(startKey, encodeRecord(startKey, [17, 1])));
      const { log, provenLoss } = await fixture.open();
      assert.equal(provenLoss, undefined);
      assert.deepEqual([log.firstIndex(), log.term(17), log.lastIndex()], [18, 1, 50]);
      assert.deepEqual(log.entries(18, 41, Infinity), entriesOf(18, 40, 1));
    });

    async function changeRun(first: number, change: (value: Bytes) => Bytes): Promise<Bytes> {
      let before = new Uint8Array();
      await editRows(logFolder, async (db) => {
        before = new Uint8Array((await db.get(runKey(first))) ?? []);
        await db.put(runKey(first), change(new Uint8Array(before)));
      });
      return before;
    }
  });

  describe('log', () => {
    /** A run for each entry, so that one can be damaged without the others. */
    beforeEach(async () => {
      const codec = new RunCodec(clusterId);
      await editRows(logFolder, async (db) => {
        for (const one of [...entriesOf(1, 40, 1), ...entriesOf(41, 50, 2)]) {
          await db.put(runKey(one.index), codec.encode([one]));
        }
      });
    });

    it('with a missing entry is refused, with its index', async () => {
      await editRows(logFolder, (db) => db.del(runKey(17)));
      await refusal('LOG_DAMAGED', /entry 17 is missing, index 18 follows/);
    });

    it('with a missing first entry is refused', async () => {
      await editRows(logFolder, (db) => db.del(runKey(1)));
      await refusal('LOG_DAMAGED', /entry 1 is missing/);
    });

    it('with a changed byte in an entry is refused, with its index', async () => {
      await editRows(logFolder, async (db) => {
        const value = new Uint8Array((await db.get(runKey(23))) ?? []);
        value[value.length - 1] = 0;
        await db.put(runKey(23), value);
      });
      await refusal('LOG_DAMAGED', /the entries from 23 on do not match their checksum/);
    });

    it('with an entry at the index of another is refused', async () => {
      await editRows(logFolder, async (db) => {
        await db.put(runKey(23), (await db.get(runKey(24))) ?? new Uint8Array());
      });
      await refusal('LOG_DAMAGED', /the entries from 23 on do not match their checksum/);
    });

    it('with an entry of another cluster is refused', async () => {
      const codec = new RunCodec(clusterId + 1n);
      await editRows(logFolder, (db) => db.put(runKey(23), codec.encode([entry(23, 1)])));
      await refusal('LOG_DAMAGED', /the entries from 23 on do not match their checksum/);
    });

    it('whose terms go back is refused', async () => {
      const codec = new RunCodec(clusterId);
      await editRows(logFolder, (db) => db.put(runKey(50), codec.encode([entry(50, 1)])));
      await refusal('LOG_DAMAGED', /entry 50 is of term 1, after one of term 2/);
    });

    it('that ends below its commit index is refused', async () => {
      await editRows(logFolder, async (db) => {
        for (let index = 44; index <= 50; index++) await db.del(runKey(index));
      });
      await refusal('LOG_DAMAGED', /entries 44 to 45 are committed and missing/);
    });

    it('without a hard state, or with one below its terms, is refused', async () => {
      const row = encodeRecord(hardStateKey, [1, 0n, 45]);
      await editRows(logFolder, (db) => db.put(hardStateKey, row));
      await refusal('LOG_DAMAGED', /last entry, 50, is of term 2, above the member's own 1/);
      await editRows(logFolder, (db) => db.del(hardStateKey));
      await refusal('LOG_DAMAGED', /hard state is missing/);
    });

    it('that begins above the store is refused', async () => {
      await editRows(logFolder, async (db) => {
        for (let index = 1; index <= 46; index++) await db.del(runKey(index));
        await db.put(startKey, encodeRecord(startKey, [46, 2]));
      });
      await refusal('LOG_DAMAGED', /begins at index 47, but the store stands at index 45/);
    });

    it('of another history than the store is refused', async () => {
      const codec = new RunCodec(clusterId);
      await editRows(logFolder, async (db) => {
        for (let index = 41; index <= 50; index++) {
          await db.put(runKey(index), codec.encode([entry(index, 1)]));
        }
      });
      await refusal(
        'LOG_DAMAGED',
        /entry 45 is of term 1, but the store has applied one of term 2/,
      );
    });

    it('that lost its end opens, with the loss proven by the witness', async () => {
      await editRows(logFolder, (db) => db.del(runKey(50)));
      const dataDir = await fixture.open();
      assert.match(dataDir.provenLoss ?? '', /ends at index 49, but entries up to index 50/);
    });

    it('that lost its end is known for it for good, even when it has grown again', async () => {
      await editRows(logFolder, (db) => db.del(runKey(50)));
      const dataDir = await fixture.open();
      await appended(dataDir.log, entriesOf(50, 60, 3), { term: 3, vote: 0n, commit: 45 });
      await closed(dataDir);
      const restarted = await fixture.open();
      assert.match(restarted.provenLoss ?? '', /ends at index 49/);
      const writer = restarted.receiveImage();
      assert.equal(await received(writer, await chunksOf(restarted.store.openImage())), undefined);
      const hardState = { term: 3, vote: 0n, commit: 45 };
      await new Promise<void>((resolve) => restarted.install(writer, hardState, resolve));
      await closed(restarted);
      assert.match((await fixture.open()).provenLoss ?? '', /ends at index 49/);
    });

    it('that lost a vote opens, with the loss proven by the witness', async () => {
      const row = encodeRecord(hardStateKey, [2, 0n, 45]);
      await editRows(logFolder, (db) => db.put(hardStateKey, row));
      const dataDir = await fixture.open();
      assert.match(dataDir.provenLoss ?? '', /lost this member's vote in term 2/);
    });

    it('behind the store is begun anew where the store stands, and says what it lost', async () => {
      await editRows(logFolder, async (db) => {
        for (let index = 40; index <= 50; index++) await db.del(runKey(index));
        await db.put(hardStateKey, encodeRecord(hardStateKey, [2, 9n, 30]));
      });
      const dataDir = await fixture.open();
      assert.match(dataDir.provenLoss ?? '', /ends at index 39/);
      assert.deepEqual([dataDir.log.firstIndex(), dataDir.log.lastIndex()], [46, 45]);
      assert.equal(dataDir.log.term(45), 2);
      assert.deepEqual(dataDir.log.hardState, { term: 2, vote: 9n, commit: 45 });
    });
  });

  describe("LevelDB's log file", () => {
    it('with a torn record at its end opens without it; the witness proves the loss', async () => {
      const path = newest(logFolder, '.log');
      truncateSync(path, readFileSync(path).length - 5);
      const dataDir = await fixture.open();
      assert.match(dataDir.provenLoss ?? '', /no term above 1, but this member has been in term 2/);
    });

    it('with a torn record that nobody was told of opens whole', async () => {
      appendFileSync(newest(logFolder, '.log'), new Uint8Array([1, 2, 3, 4, 200, 0, 1, 5, 5, 5]));
      const dataDir = await fixture.open();
      assert.equal(dataDir.provenLoss, undefined);
      assert.equal(dataDir.log.lastIndex(), 50);
    });

    it('with zeros at its end, as after a power loss, opens whole', async () => {
      appendFileSync(newest(logFolder, '.log'), new Uint8Array(50_000));
      const dataDir = await fixture.open();
      assert.equal(dataDir.provenLoss, undefined);
      assert.equal(dataDir.log.lastIndex(), 50);
    });

    it('with a changed bit before its end is refused, although LevelDB would go on', async () => {
      // More than a block, so that LevelDB resynchronizes behind the damage.
      const dataDir = await fixture.open();
      for (let index = 51; index <= 60; index++) {
        await appended(dataDir.log, [entry(index, 2, new Uint8Array(20_000))]);
      }
      await closed(dataDir);
      flip(newest(logFolder, '.log'), 30_000);
      await refusal('LOG_DAMAGED', /\.log is damaged at byte \d+ of \d+, and not only at its end/);
    });

    it('of the store is held to the same', async () => {
      const dataDir = await fixture.open();
      await committed(dataDir.store, { put: [row(61)] });
      await committed(dataDir.store, { put: [row(62, 'x'.repeat(100_000))] });
      await closed(dataDir);
      flip(newest(storeFolder, '.log'), 40);
      const error = await errorOf(fixture.open());
      assert.equal(error.code, 'STORE_DAMAGED', error.message);
    });
  });

  describe('table or manifest', () => {
    it('with a changed bit in an entry is refused', async () => {
      // Opening moves what the log file holds into a table.
      await closed(await fixture.open());
      const path = newest(logFolder, '.ldb');
      flip(path, readFileSync(path).indexOf('e31') + 1);
      await refusal('LOG_DAMAGED', /the entries from 1 on do not match their checksum/);
    });

    it('that is missing is refused', async () => {
      await closed(await fixture.open());
      rmSync(newest(logFolder, '.ldb'));
      await refusal('LOG_DAMAGED', /missing files/);
    });

    it('with a block that LevelDB itself cannot read is refused, with the place', async () => {
      await closed(await fixture.open());
      const path = newest(storeFolder, '.ldb');
      writeFileSync(path, readFileSync(path).fill(0, 8, 200));
      await refusal('STORE_DAMAGED', /store-000001 cannot be read: Corruption/);
      // Now of a table that cannot be opened at all.
      const table = newest(logFolder, '.ldb');
      const content = readFileSync(table);
      writeFileSync(table, content.fill(0, content.length - 8));
      await refusal('LOG_DAMAGED', /log-000001 cannot be read: .*not an sstable/);
    });

    it('manifest that is gone is refused, with what to do', async () => {
      const manifest = readdirSync(logFolder).find((name) => name.startsWith('MANIFEST-'));
      rmSync(`${logFolder}/${manifest}`);
      await refusal('LOG_DAMAGED', /No such file.*rejoin as a new member/);
    });

    it('table that ends too early is refused, with what to do', async () => {
      await closed(await fixture.open());
      truncateSync(newest(logFolder, '.ldb'), 60);
      await refusal('LOG_DAMAGED', /cannot be read: .*ldb: Invalid argument/);
    });

    it('CURRENT that is empty is refused', async () => {
      writeFileSync(`${logFolder}/CURRENT`, '');
      assert.match((await errorOf(fixture.open())).message, /LevelDB cannot open/);
    });
  });

  describe('store', () => {
    it('with a missing row is refused: no other row would show it', async () => {
      await editRows(storeFolder, (db) => db.del(revisionKey(key(30))));
      await refusal('STORE_DAMAGED', /has 58 rows .* but 59 rows .* index 45 \(after 0\)/);
    });

    it('with a row in the place of another is refused', async () => {
      await editRows(storeFolder, async (db) => {
        await db.put(
          revisionKey(key(61)),
          (await db.get(revisionKey(key(60)))) ?? new Uint8Array(),
        );
      });
      await refusal('STORE_DAMAGED', /row .* is out of place/);
    });

    it('with a row too many is refused', async () => {
      const sealer = new RowSealer();
      await editRows(storeFolder, async (db) => {
        const { key: rowKey, value } = row(61);
        const diskKey = revisionKey(rowKey);
        await db.put(diskKey, sealer.seal(diskKey, value));
      });
      await refusal('STORE_DAMAGED', /has 60 rows .* but 59 rows/);
    });

    it('with a changed byte in a row is refused', async () => {
      await editRows(storeFolder, async (db) => {
        const value = new Uint8Array((await db.get(revisionKey(key(30)))) ?? []);
        value[0] = (value[0] ?? 0) ^ 1;
        await db.put(revisionKey(key(30)), value);
      });
      await refusal('STORE_DAMAGED', /row .* does not match its checksum/);
    });

    it('with a row that is too short, or says that its key is longer than it all, is refused', async () => {
      for (const value of [new Uint8Array(3), new Uint8Array(40).fill(255)]) {
        await editRows(storeFolder, (db) => db.put(revisionKey(key(30)), value));
        await refusal('STORE_DAMAGED', /row .* does not match its checksum/);
      }
    });

    it('without its meta row is refused', async () => {
      await editRows(storeFolder, (db) => db.del(metaKey));
      await refusal('STORE_DAMAGED', /what has been applied is missing/);
    });

    it('that lost its last commit goes back one commit: the log has what follows', async () => {
      const path = newest(storeFolder, '.log');
      truncateSync(path, readFileSync(path).length - 5);
      const dataDir = await fixture.open();
      assert.equal(dataDir.store.state.appliedIndex, 0);
      assert.equal(dataDir.provenLoss, undefined);
      assert.equal(dataDir.log.firstIndex(), 1);
    });
  });
});
