import assert from 'node:assert/strict';
import { systemScheduler } from '../../src/host/scheduler.ts';
import { StorageContext } from '../../src/storage/disk.ts';
import type { StorageError } from '../../src/storage/errors.ts';
import { MemoryDisk } from '../../src/storage/memory-disk.ts';

describe('what a member says when its disk fails while it runs', () => {
  function contextWith(told: StorageError[]): StorageContext {
    const fatal = (error: StorageError): void => void told.push(error);
    return new StorageContext(new MemoryDisk(), systemScheduler, '/data/a', fatal);
  }

  it('takes what LevelDB calls corrupt for damage, and says how to rejoin', () => {
    const told: StorageError[] = [];
    const cause = new Error('Corruption: corrupted compressed block contents');
    contextWith(told).readFailed('a scan of the store', cause);
    assert.equal(told[0]?.code, 'STORE_DAMAGED');
    assert.match(told[0].message, /^a scan of the store failed: Corruption: .*\. This member must/);
    assert.match(told[0].message, /remove the data dir \/data\/a, and rejoin/);
  });

  it('takes any other failed read for a disk to be looked after', () => {
    const told: StorageError[] = [];
    contextWith(told).readFailed('a scan of the store', new Error('EIO: i/o error, read'));
    assert.equal(told[0]?.code, 'READ_FAILED');
    assert.match(
      told[0].message,
      /EIO: i\/o error, read\. Check that the disk is sound .* \/data\/a;/,
    );
  });

  it('tells of the first failure only', () => {
    const told: StorageError[] = [];
    const context = contextWith(told);
    context.writeFailed('a write', new Error('EIO'));
    context.readFailed('a scan of the store', new Error('EIO'));
    assert.deepEqual(
      told.map(({ code }) => code),
      ['WRITE_FAILED'],
    );
    assert.ok(context.hasFailed);
  });
});
