import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { utf8 } from '../../src/base/bytes.ts';
import { crc32c } from '../../src/base/crc32c.ts';
import { inspectDataDir } from '../../src/storage/data-dir-files.ts';
import type { MemoryDisk } from '../../src/storage/memory-disk.ts';
import { diskFs } from '../../src/storage/node-fs.ts';
import {
  appended,
  closed,
  entriesOf,
  errorOf,
  identity,
  levelFixture,
  memoryFixture,
} from './support.ts';
import type { Fixture } from './support.ts';

describe('A data dir on the machine', () => {
  let fixture: Fixture;
  let path: string;

  beforeEach(() => {
    fixture = levelFixture();
    path = fixture.path;
  });
  afterEach(() => fixture.end());

  it('is made for its owner alone, with the identity it was given', async () => {
    await fixture.create(entriesOf(1, 3, 1), { term: 1, vote: 0n, commit: 3 });
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(path).sort(), [
      'current.json',
      'identity.json',
      'log-000001',
      'store-000001',
      'witness-000001',
    ]);
    const dataDir = await fixture.open();
    assert.deepEqual(dataDir.identity, identity);
    assert.deepEqual(dataDir.log.hardState, { term: 1, vote: 0n, commit: 3 });
    assert.deepEqual(dataDir.log.entries(1, 4, Infinity), entriesOf(1, 3, 1));
    assert.equal(dataDir.provenLoss, undefined);
    assert.ok(dataDir.freeBytes > 0);
  });

  it('is not made twice', async () => {
    await fixture.create();
    assert.match((await errorOf(fixture.create())).message, /already holds the data of a member/);
  });

  it('takes an empty folder, and restricts it', async () => {
    mkdirSync(path, { mode: 0o755 });
    await fixture.create();
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  it('is restricted again when it was opened to others', async () => {
    await fixture.create();
    chmodSync(path, 0o755);
    await fixture.open();
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  it('is used by one process at a time', async () => {
    await fixture.create();
    const dataDir = await fixture.open();
    const error = await errorOf(fixture.open());
    assert.equal(error.code, 'DATA_DIR_IN_USE');
    assert.match(error.message, /is in use by another process/);
    await appended(dataDir.log, entriesOf(1, 1, 1));
    await closed(dataDir);
    await fixture.open();
  });

  it('of a real etcd is refused untouched, with what is to come', async () => {
    for (const inside of ['wal', 'snap']) {
      mkdirSync(`${path}/member/${inside}`, { recursive: true });
      for (const attempt of [fixture.open(), fixture.create()]) {
        const error = await errorOf(attempt);
        assert.equal(error.code, 'DATA_DIR_REFUSED');
        assert.match(
          error.message,
          /data dir of an etcd server .* not touched.*migration is to come/,
        );
      }
      assert.deepEqual(readdirSync(path), ['member']);
    }
  });

  it('with an unknown file is refused untouched', async () => {
    await fixture.create();
    writeFileSync(`${path}/notes.txt`, 'mine');
    chmodSync(path, 0o755);
    const error = await errorOf(fixture.open());
    assert.equal(error.code, 'DATA_DIR_REFUSED');
    assert.match(error.message, /"notes\.txt".*not part of a data dir/);
    assert.equal(statSync(path).mode & 0o777, 0o755, 'not even its mode is set');
  });

  it('follows no symbolic link', async () => {
    await fixture.create();
    symlinkSync('/tmp', `${path}/log-000002`);
    assert.equal((await errorOf(fixture.open())).code, 'DATA_DIR_REFUSED');
  });

  it('of another member or cluster is refused', async () => {
    await fixture.create();
    const expect = { clusterId: identity.clusterId, memberId: 1n };
    const error = await errorOf(fixture.open({ expect }));
    assert.equal(error.code, 'IDENTITY_MISMATCH');
    assert.match(
      error.message,
      /belongs to member f00d of cluster c0ffee, but this is member 1 of/,
    );
    await fixture.open({ expect: identity });
  });

  it('that is not there is told from one that is empty', () => {
    assert.equal(inspectDataDir(diskFs, path).kind, 'absent');
    mkdirSync(path);
    assert.equal(inspectDataDir(diskFs, path).kind, 'empty');
    mkdirSync(`${path}/lost+found`);
    assert.equal(inspectDataDir(diskFs, path).kind, 'empty');
  });

  it('frees the reserve file before opening only when space is low, and makes it again', async () => {
    await fixture.create();
    const reserve = `${path}/reserve`;
    const dataDir = await fixture.open({ reserveBytes: 3_000_000 });
    assert.equal(statSync(reserve).size, 3_000_000);
    assert.ok(statSync(reserve).blocks * 512 >= 3_000_000, 'it takes the space it keeps');
    await closed(dataDir);
    const low = {
      ...diskFs,
      freeBytes: (_: string, done: (e: undefined, n: number) => void) =>
        setImmediate(done, undefined, 1_000_000),
    };
    const again = await fixture.open({
      disk: { ...fixture.disk, fs: low },
      reserveBytes: 3_000_000,
    });
    assert.ok(!readdirSync(path).includes('reserve'));
    assert.ok(again.isSpaceLow);
  });
});

describe('The small files of a data dir', () => {
  let fixture: Fixture & { readonly disk: MemoryDisk };

  beforeEach(async () => {
    fixture = memoryFixture();
    await fixture.create();
  });
  afterEach(() => fixture.end());

  function damage(name: string, content: string | undefined): void {
    const path = `${fixture.path}/${name}`;
    if (content === undefined) fixture.disk.fs.remove(path, () => undefined);
    else fixture.disk.fs.plant(path, utf8(content));
  }

  async function refusal(code: string, pattern: RegExp): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const error = await errorOf(fixture.open());
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
  }

  it('are missed', async () => {
    damage('current.json', undefined);
    await refusal('FILE_DAMAGED', /current\.json is missing.*rejoin as a new member/);
  });

  it('are missed: the identity', async () => {
    damage('identity.json', undefined);
    await refusal('FILE_DAMAGED', /identity\.json is missing/);
    assert.equal((await errorOf(fixture.create())).code, 'FILE_DAMAGED', 'and not made anew');
  });

  it('are missed: the witness', async () => {
    damage('witness-000001', undefined);
    await refusal('FILE_DAMAGED', /witness-000001 cannot be read/);
  });

  it('are checked', async () => {
    damage('current.json', '{"fileSet":2}\ncrc32c 00000000\n');
    await refusal('FILE_DAMAGED', /current\.json is damaged/);
  });

  it('are checked: the witness', async () => {
    damage('witness-000001', 'x'.repeat(5000));
    await refusal('FILE_DAMAGED', /witness-000001 cannot be read/);
  });

  it('say the format, and an unknown one is refused', async () => {
    const line = '{"format":1}';
    const crc = crc32c(utf8(line)).toString(16).padStart(8, '0');
    damage('identity.json', `${line}\ncrc32c ${crc}\n`);
    await refusal('FORMAT_UNSUPPORTED', /has format 1; this program knows format 2 only/);
  });

  it('name the file set in force; any other is removed', async () => {
    fixture.disk.fs.makeFolder(`${fixture.path}/store-000007`);
    fixture.disk.fs.plant(`${fixture.path}/witness-000007`, utf8('x'));
    const dataDir = await fixture.open();
    const names = fixture.disk.fs.list(fixture.path)?.map((entry) => entry.name);
    assert.deepEqual(
      names?.filter((name) => name.includes('7')),
      [],
    );
    await closed(dataDir);
  });

  it('cannot be mixed with those of another member', async () => {
    const other = memoryFixture();
    await other.create([], undefined, { ...identity, incarnation: 43n });
    // As if the folder had been copied from a member made at another time.
    const theirs = other.disk.rowsOf(`${other.path}/log-000001`) ?? new Map();
    const mine = fixture.disk.rowsOf(`${fixture.path}/log-000001`);
    for (const [name, row] of theirs) mine?.set(name, row);
    await refusal('FILE_DAMAGED', /belongs to another member or another time/);
  });
});
