import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/base/random.ts';
import { DiskModel } from './disk-model.ts';
import { makeImage } from './images/image.ts';
import type { Image, ImageKind } from './images/image.ts';
import { losePower } from './power-loss.ts';
import { buildShim, shimEnvironment } from './shim/build.ts';
import { readTrace } from './trace-reader.ts';

/** The preloaded shim sees what Node and LevelDB do to files, and the model of it agrees with the disk. */

const canary = fileURLToPath(new URL('canary.js', import.meta.url));
const everything: ImageKind = {
  reading: 'named by its folder',
  entries: 'all',
  files: 'everything',
};
const nothing: ImageKind = { reading: 'named by its folder', entries: 'none', files: 'nothing' };

describe('The shim', () => {
  let shim = '';
  let folder = '';

  before(function () {
    const built = buildShim();
    if (built.path === undefined) {
      console.log(`      skipped: ${built.reason}`);
      return this.skip();
    }
    shim = built.path;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'quorate-shim-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  interface Ran {
    readonly lines: readonly string[];
    readonly dataDir: string;
    readonly trace: string;
  }

  function run(what: readonly string[], faults = ''): Ran {
    const dataDir = join(folder, 'data');
    const trace = join(folder, 'trace');
    writeFileSync(join(folder, 'faults'), faults);
    const use = { dataDir, trace, faults: join(folder, 'faults') };
    const { stdout, stderr, status } = spawnSync(process.execPath, [canary, dataDir, ...what], {
      env: { ...process.env, ...shimEnvironment(shim, use) },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return { lines: stdout.trim().split('\n'), dataDir, trace };
  }

  function imageOf(trace: string, kind: ImageKind): Image {
    const model = new DiskModel();
    for (const record of readTrace(trace)) model.apply(record);
    return makeImage(model, kind, seededRandom(1));
  }

  const textOf = (image: Image, path: string): string | undefined => {
    const file = image.files.find((other) => other.path === path);
    return file === undefined ? undefined : Buffer.from(file.bytes).toString();
  };

  for (const what of ['files', 'level']) {
    it(`sees all that ${what === 'files' ? 'Node' : 'LevelDB'} writes`, () => {
      const { dataDir, trace } = run([what]);
      const image = imageOf(trace, everything);
      assert.ok(image.files.length > 2);
      for (const { path, bytes } of image.files) {
        assert.deepEqual(Buffer.from(bytes), readFileSync(join(dataDir, path)), path);
      }
    });
  }

  it('sees that LevelDB syncs its folder between a record of its manifest and the sync of that', () => {
    const { trace } = run(['level']);
    const records = readTrace(trace);
    const paths = new Map<number, string>();
    let writtenAt = 0;
    let folderSyncBegan = -1;
    let syncs = 0;
    for (const { kind, fd, path, at, a } of records) {
      if (kind === 'open') paths.set(fd, path);
      const isManifest = paths.get(fd)?.startsWith('MANIFEST-') === true;
      if (kind === 'write' && isManifest) writtenAt = at;
      if (kind === 'sync' && paths.get(fd) === '') folderSyncBegan = a;
      if (kind !== 'sync' || !isManifest) continue;
      syncs++;
      assert.ok(folderSyncBegan > writtenAt, 'the folder was synced after the record was written');
    }
    assert.ok(syncs > 0);
  });

  it('goes on with a trace when the program is started again', () => {
    run(['level']);
    const { dataDir, trace } = run(['level', 'again']);
    for (const { path, bytes } of imageOf(trace, everything).files) {
      assert.deepEqual(Buffer.from(bytes), readFileSync(join(dataDir, path)), path);
    }
  });

  it('knows what was synced', () => {
    const { trace } = run(['files']);
    const image = imageOf(trace, nothing);
    assert.equal(textOf(image, 'synced'), 'kept');
    assert.equal(textOf(image, 'renamed'), undefined, 'its folder was not synced since');
    assert.equal(
      textOf(image, 'unsynced'),
      '',
      'its name was synced with the folder, its bytes not',
    );
    assert.equal(textOf(imageOf(trace, everything), 'renamed'), 'kept');
  });

  it('takes away, at a power loss, what was not synced', () => {
    const { dataDir, trace } = run(['files']);
    const lost = losePower({ dataDir, trace, random: seededRandom(1), kind: nothing });
    assert.equal(
      lost.description,
      'files: nothing; entries: none; a new file is named by its folder',
    );
    assert.equal(readFileSync(join(dataDir, 'synced'), 'utf8'), 'kept');
    assert.equal(readFileSync(join(dataDir, 'unsynced'), 'utf8'), '');
    // The next start takes what it finds for durable.
    run(['level', 'after']);
    assert.equal(textOf(imageOf(trace, nothing), 'synced'), 'kept');
  });

  for (const [faults, expected] of [
    ['sync synced EIO', 'EIO'],
    ['write synced ENOSPC', 'ENOSPC'],
    ['open synced EMFILE', 'EMFILE'],
    ['* * ENOSPC after 1', 'ENOSPC'],
    ['write *ync* ENOSPC', 'ENOSPC'],
    ['write *unsync ENOSPC', 'done'],
    ['write synced short', 'done'],
    ['sync * delay 10', 'done'],
    ['sync elsewhere EIO', 'done'],
    ['sync * EIO after 100', 'done'],
  ] as const) {
    it(`does as it is told: ${faults}`, () => {
      const { lines } = run(['files'], faults);
      assert.equal(lines.at(-1), expected);
    });
  }

  it('answers how much room it was told, and says which of its rules it followed', () => {
    const { lines, dataDir } = run(['room'], 'sync * EIO\nspace * free 8192');
    assert.equal(lines[0], '8192');
    assert.equal(readFileSync(`${dirname(dataDir)}/faults.met`, 'utf8'), '1');
  });

  it('makes nothing durable that was synced after a failed sync', () => {
    const { trace } = run(['twice'], 'sync synced EIO times 1');
    assert.equal(textOf(imageOf(trace, nothing), 'synced'), '\0\0\0\0later');
  });

  it('makes nothing durable when syncs are skipped', () => {
    const { trace, lines } = run(['files'], 'sync * skip');
    assert.equal(lines.at(-1), 'done');
    assert.deepEqual(imageOf(trace, nothing).files, []);
  });
});
