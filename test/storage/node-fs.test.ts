import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { diskFs } from '../../src/storage/node-fs.ts';
import { temporaryFolder } from './support.ts';

describe('folders on the machine', () => {
  it('are made with all that is above them, and made again without harm', () => {
    const folder = temporaryFolder();
    diskFs.makeFolder(`${folder.path}/a/b/c`);
    diskFs.makeFolder(`${folder.path}/a/b/c`);
    assert.ok(existsSync(`${folder.path}/a/b/c`));
    folder.remove();
  });

  it('are refused at once where there can be none', function () {
    // Node 20's recursive mkdir never comes back from here.
    if (!existsSync('/proc/self')) this.skip();
    assert.throws(() => diskFs.makeFolder('/proc/quorate-member'), { code: 'ENOENT' });
  });
});
