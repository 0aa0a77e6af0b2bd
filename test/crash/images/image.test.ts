import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/base/random.ts';
import { DiskModel } from '../disk-model.ts';
import type { RecordKind, TraceRecord } from '../trace-reader.ts';
import { entryStyles, makeImage, readings } from './image.ts';
import type { Image, ImageKind } from './image.ts';

/**
 * What may be left of LevelDB's manifest when a table that it names has lost its own name: the one place where the
 * model expects more of a disk than POSIX promises.
 */

const manifest = 4;
const table = 5;
const folder = 6;
const openCreate = 0o100;

/** Records as the shim would write them, one after the other. */
class Script {
  readonly model = new DiskModel();
  private at = 0;

  do(kind: RecordKind, fd: number, more: Partial<TraceRecord> = {}): this {
    const at = this.at++;
    const nothing = { a: 0, b: 0, path: '', path2: '', data: new Uint8Array(0), zeroBytes: 0 };
    this.model.apply({ kind, fd, at, end: at + 1, timeMs: at, ...nothing, ...more });
    return this;
  }

  create(fd: number, path: string): this {
    return this.do('open', fd, { path, a: openCreate });
  }

  write(fd: number, text: string, offset: number): this {
    return this.do('write', fd, { a: offset, data: Buffer.from(text) });
  }

  /** Of what was done before. */
  sync(fd: number): this {
    return this.do('sync', fd, { a: this.at });
  }
}

/** A manifest, all durable; then a table, synced, and the manifest's record of it. */
function switched(): Script {
  return new Script()
    .do('start', 0)
    .do('open', folder)
    .create(manifest, 'MANIFEST-000001')
    .write(manifest, 'old', 0)
    .sync(folder)
    .sync(manifest)
    .create(table, '000005.ldb')
    .write(table, 'rows', 0)
    .sync(table)
    .write(manifest, ' new', 3);
}

function textOf(image: Image, path: string): string | undefined {
  const file = image.files.find((one) => one.path === path);
  return file && Buffer.from(file.bytes).toString();
}

function imagesOf({ model }: Script, kind: Partial<ImageKind>): readonly Image[] {
  return entryStyles.flatMap((entries) =>
    Array.from({ length: 20 }, (_, seed) => {
      const whole = { reading: 'named by its folder', entries, files: 'each', ...kind } as const;
      return makeImage(model, whole, seededRandom(seed * 0x9e3779b1));
    }),
  );
}

const isAhead = (image: Image): boolean =>
  textOf(image, 'MANIFEST-000001') === 'old new' && textOf(image, '000005.ldb') === undefined;

describe('The image of a manifest', () => {
  it('is of a disk with a journal: the manifest is never ahead of the names that it needs', () => {
    const images = imagesOf(switched(), {});
    assert.ok(images.some((image) => textOf(image, '000005.ldb') === undefined));
    assert.ok(images.some((image) => textOf(image, 'MANIFEST-000001') === 'old new'));
    assert.ok(!images.some(isAhead));
    assert.ok(!images.some(({ isOutOfOrder }) => isOutOfOrder));
  });

  it('of a disk without one may be ahead, and says that it is out of order', () => {
    const images = imagesOf(switched(), { isUnordered: true });
    assert.ok(images.some(isAhead));
    for (const image of images) if (isAhead(image)) assert.ok(image.isOutOfOrder);
  });

  it('has what the table holds, by whichever sync named it, once that was done', () => {
    for (const image of imagesOf(switched(), { reading: 'named by its sync', isUnordered: true })) {
      assert.equal(textOf(image, '000005.ldb'), 'rows');
    }
    for (const reading of readings) {
      for (const image of imagesOf(switched().sync(folder), { reading, isUnordered: true })) {
        assert.equal(textOf(image, '000005.ldb'), 'rows');
        assert.ok(!image.isOutOfOrder);
      }
    }
  });

  it('may lose a manifest that the new CURRENT made needless only together with that', () => {
    const script = new Script()
      .do('start', 0)
      .do('open', folder)
      .create(manifest, 'MANIFEST-000001')
      .create(table, 'CURRENT')
      .write(table, 'first', 0)
      .sync(manifest)
      .sync(table)
      .sync(folder)
      .create(7, '000002.dbtmp')
      .write(7, 'second', 0)
      .sync(7)
      .do('rename', 0, { path: '000002.dbtmp', path2: 'CURRENT' })
      .do('unlink', 0, { path: 'MANIFEST-000001' });
    const isLost = (image: Image): boolean =>
      textOf(image, 'CURRENT') === 'first' && textOf(image, 'MANIFEST-000001') === undefined;
    assert.ok(!imagesOf(script, {}).some(isLost));
    const unordered = imagesOf(script, { isUnordered: true });
    assert.ok(unordered.some(isLost));
    for (const image of unordered) if (isLost(image)) assert.ok(image.isOutOfOrder);
  });
});
