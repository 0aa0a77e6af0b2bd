import assert from 'node:assert/strict';
import type { Database, DatabaseFactory } from '../../src/storage/database.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import { ioError } from '../../src/storage/memory-operation.ts';
import type { DataDir } from '../../src/storage/types.ts';
import { freeBytesMin } from '../../src/storage/types.ts';
import { key, row, rowsOf } from '../contract/state-store.ts';
import { chunksOf } from '../contract/store-image.ts';
import {
  appended,
  closed,
  committed,
  entriesOf,
  entry,
  errorOf,
  fixtureOn,
  memoryFixture,
  neverDone,
  temporaryFolder,
} from './support.ts';

/** LevelDB that fails as the real one does: from the failed batch on, every batch of that database. */
class FailingDatabases implements DatabaseFactory {
  /** The kind of database whose batches fail, once set. */
  failing: 'log' | 'store' | undefined;
  private readonly inner: DatabaseFactory;

  constructor(inner: DatabaseFactory) {
    this.inner = inner;
  }

  open: DatabaseFactory['open'] = (folder, kind, done) => {
    this.inner.open(folder, kind, (error, db) => {
      done(error, db === undefined ? undefined : this.wrap(db, kind));
    });
  };

  private wrap(db: Database, kind: 'log' | 'store'): Database {
    const batch: Database['batch'] = () => {
      const inner = db.batch();
      return {
        put: (key, value) => inner.put(key, value),
        del: (key) => inner.del(key),
        write: (done) => {
          const error = ioError(`${kind}/000003.log: No space left on device`);
          if (this.failing === kind) setImmediate(done, error);
          else inner.write(done);
        },
      };
    };
    return {
      batch,
      get: (key) => db.get(key),
      getMany: (keys, done) => db.getMany(keys, done),
      scan: (from, to) => db.scan(from, to),
      scanValues: (from, to) => db.scanValues(from, to),
      approximateBytes: (from, to, done) => db.approximateBytes(from, to, done),
      compactRange: (from, to, done) => db.compactRange(from, to, done),
      close: (done) => db.close(done),
    };
  }
}

describe('A failed write of LevelDB', () => {
  const databases = new FailingDatabases(machineDisk.databases);
  let folder: ReturnType<typeof temporaryFolder>;
  let fixture: ReturnType<typeof fixtureOn>;
  let dataDir: DataDir;

  beforeEach(async () => {
    folder = temporaryFolder();
    fixture = fixtureOn({ ...machineDisk, databases }, `${folder.path}/member`);
    databases.failing = undefined;
    await fixture.create();
    dataDir = await fixture.open();
    await appended(dataDir.log, entriesOf(1, 3, 1));
    await committed(dataDir.store, { put: rowsOf(2, 5) });
  });
  afterEach(async () => {
    await fixture.end();
    folder.remove();
  });

  it('of the log is final: told once, never acknowledged, nothing written after it', async () => {
    databases.failing = 'log';
    const { log, store } = dataDir;
    assert.ok(
      await neverDone((done) => log.append({ entries: [entry(4, 1)], hardState: undefined }, done)),
    );
    assert.deepEqual(
      fixture.fatal.map((error) => error.code),
      ['WRITE_FAILED'],
    );
    assert.match(fixture.fatal[0]?.message ?? '', /a write to the log failed: .*No space left/);
    assert.equal(log.lastIndex(), 3, 'the failed entries are not shown');
    // The disk works again; the process must not.
    databases.failing = undefined;
    const empty = { put: [], deleted: [], changes: [] };
    assert.ok(await neverDone((done) => store.commit({ state: store.state, ...empty }, done)));
    assert.equal(fixture.fatal.length, 1);
    await closed(dataDir);
    const restarted = await fixture.open();
    assert.equal(restarted.log.lastIndex(), 3);
  });

  it('says what an operator does next', async () => {
    databases.failing = 'log';
    const batch = { entries: [entry(4, 1)], hardState: undefined };
    assert.ok(await neverDone((done) => dataDir.log.append(batch, done)));
    const { message = '' } = fixture.fatal[0] ?? {};
    assert.match(message, /left on device\. Nothing .* was acknowledged\. Check that the disk is/);
    assert.match(message, /may write .*member; then start the member again\.$/);
  });

  it('while the data dir is opened ends the opening, and leaves it free', async () => {
    // The store is ahead of the log, as when an image was installed: the log begins anew.
    const { store } = dataDir;
    await committed(store, { state: { ...store.state, appliedIndex: 9, appliedTerm: 1 } });
    await closed(dataDir);
    databases.failing = 'log';
    const error = await errorOf(fixture.open());
    assert.equal(error.code, 'WRITE_FAILED');
    assert.match(error.message, /^resetting the log failed: .*; then start the member again\.$/);
    assert.deepEqual(fixture.fatal, []);
    databases.failing = undefined;
    const restarted = await fixture.open();
    assert.equal(restarted.log.lastIndex(), 9);
  });

  for (const failing of ['log', 'store'] as const) {
    it(`of the ${failing} while the data dir is made is told with the place and what to do`, async () => {
      const path = `${folder.path}/newcomer`;
      const newcomer = fixtureOn({ ...machineDisk, databases }, path);
      databases.failing = failing;
      const error = await errorOf(newcomer.create());
      assert.equal(error.code, 'WRITE_FAILED');
      assert.match(error.message, /^The data dir .*newcomer cannot be made: .*No space left/);
      assert.match(error.message, /; then start the member again\.$/);
      databases.failing = undefined;
      await newcomer.create();
      assert.equal((await newcomer.open()).log.lastIndex(), 0);
      await newcomer.end();
    });
  }

  it('of the store is final for the log too', async () => {
    databases.failing = 'store';
    const { log, store } = dataDir;
    const batch = { state: store.state, put: [row(9)], deleted: [], changes: [] };
    assert.ok(await neverDone((done) => store.commit(batch, done)));
    assert.deepEqual(
      fixture.fatal.map((error) => error.code),
      ['WRITE_FAILED'],
    );
    assert.ok(
      await neverDone((done) => log.append({ entries: [entry(4, 1)], hardState: undefined }, done)),
    );
    assert.equal(store.get(key(9)), undefined);
  });

  it('while an image is received is final', async () => {
    const chunks = await chunksOf(dataDir.store.openImage());
    const writer = dataDir.receiveImage();
    await new Promise<void>((resolve) => writer.write(chunks[0] ?? new Uint8Array(), resolve));
    databases.failing = 'store';
    assert.ok(await neverDone((done) => writer.write(chunks[1] ?? new Uint8Array(), done)));
    assert.equal(fixture.fatal[0]?.code, 'WRITE_FAILED');
  });
});

describe('A failed operation on the small files', () => {
  for (const kind of ['write', 'sync'] as const) {
    it(`${kind} of the witness is final`, async () => {
      const fixture = memoryFixture();
      await fixture.create();
      const { log } = await fixture.open();
      fixture.disk.schedule = (operation: DiskOperation) =>
        queueMicrotask(() => {
          if (operation.kind === kind) operation.fail(ioError('Input/output error'));
          else operation.complete();
        });
      const hardState = { term: 2, vote: 3n, commit: 0 };
      assert.ok(await neverDone((done) => log.append({ entries: [], hardState }, done)));
      assert.match(fixture.fatal[0]?.message ?? '', /write to the tail witness failed/);
    });
  }

  for (const kind of ['sync', 'rename', 'syncFolder', 'open', 'batch'] as const) {
    it(`${kind} while an image is installed is final, and the old set stays`, async () => {
      const fixture = memoryFixture();
      await fixture.create();
      const dataDir = await fixture.open();
      const writer = dataDir.receiveImage();
      for (const chunk of await chunksOf(dataDir.store.openImage())) {
        await new Promise<void>((resolve) => writer.write(chunk, resolve));
      }
      await new Promise((resolve) => writer.finish(resolve));
      await appended(dataDir.log, entriesOf(1, 3, 1));
      fixture.disk.schedule = (operation: DiskOperation) =>
        queueMicrotask(() => {
          if (operation.kind === kind) operation.fail(ioError('Input/output error'));
          else operation.complete();
        });
      const hardState = { term: 2, vote: 3n, commit: 0 };
      assert.ok(await neverDone((done) => dataDir.install(writer, hardState, done)));
      assert.equal(fixture.fatal[0]?.code, 'WRITE_FAILED');
      fixture.disk.crash();
      const restarted = await fixtureOn(fixture.disk, fixture.path).open();
      assert.equal(restarted.log.lastIndex(), 3);
    });
  }
});

describe('A disk that fills up', () => {
  it('is told early, and ends the member before LevelDB meets its end', async () => {
    const fixture = memoryFixture();
    fixture.disk.freeBytes = freeBytesMin + 1000;
    await fixture.create();
    const dataDir = await fixture.open();
    assert.equal(dataDir.isSpaceLow, false);
    await appended(dataDir.log, [entry(1, 1, new Uint8Array(2000))]);
    assert.equal(
      dataDir.isSpaceLow,
      true,
      'what was written counts before the disk is asked again',
    );
    await appended(dataDir.log, [entry(2, 1)]);

    fixture.disk.freeBytes = 1_000_000;
    const { log } = dataDir;
    const large = [entry(3, 1, new Uint8Array(freeBytesMin))];
    assert.ok(
      await neverDone((done) => log.append({ entries: large, hardState: undefined }, done)),
    );
    assert.equal(fixture.fatal[0]?.code, 'NO_SPACE');
    assert.match(fixture.fatal[0]?.message ?? '', /has 1000000 bytes left, too few for a batch/);
    fixture.disk.freeBytes = 1e12;
    await closed(dataDir);
    const restarted = await fixture.open();
    assert.equal(restarted.log.lastIndex(), 2, 'nothing of it was written');
  });

  it('ends the member before a batch of any size', async () => {
    const fixture = memoryFixture();
    await fixture.create();
    const { log } = await fixture.open();
    // So much that the disk is asked again when the next is written.
    await appended(log, [entry(1, 1, new Uint8Array(5_000_000))]);
    fixture.disk.freeBytes = 1_000_000;
    await appended(log, [entry(2, 1)]);
    const small = { entries: [entry(3, 1)], hardState: undefined };
    assert.ok(await neverDone((done) => log.append(small, done)));
    assert.equal(fixture.fatal[0]?.code, 'NO_SPACE');
  });

  it('that got room again goes on', async () => {
    const fixture = memoryFixture();
    fixture.disk.freeBytes = 17_000_000;
    await fixture.create();
    const { log } = await fixture.open();
    fixture.disk.freeBytes = 1e12;
    await appended(log, [entry(1, 1, new Uint8Array(5_000_000))]);
    assert.deepEqual(fixture.fatal, []);
  });
});
