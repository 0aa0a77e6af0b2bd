import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { Level } from 'level';
import { inspectLogFile } from '../../src/storage/level-recovery.ts';
import { temporaryFolder } from './support.ts';

/** Our reading of LevelDB's log files, on files that LevelDB itself has written. */
describe('Inspecting a log file of LevelDB', () => {
  let content: Uint8Array;
  /** Where the file ended after each batch. */
  const ends: number[] = [0];

  before(async () => {
    const folder = temporaryFolder();
    const db = new Level<string, string>(folder.path);
    await db.open();
    // Small ones, some that span blocks, one that ends near a block's end.
    const sizes = [10, 200, 32_700, 5, 100_000, 1, 40_000, 3000];
    const read = (): Uint8Array => {
      const name = readdirSync(folder.path).find((file) => file.endsWith('.log'));
      return new Uint8Array(readFileSync(`${folder.path}/${name}`));
    };
    for (const [i, size] of sizes.entries()) {
      await db.batch().put(`key ${i}`, 'v'.repeat(size)).write({ sync: true });
      ends.push(read().length);
    }
    content = read();
    await db.close();
    folder.remove();
  });

  it('finds a whole file whole', () => {
    assert.equal(inspectLogFile('000003.log', content).damagedAt, undefined);
    assert.equal(inspectLogFile('000003.log', new Uint8Array(0)).damagedAt, undefined);
  });

  it('takes a file cut off anywhere for torn at its end, where the last record began', () => {
    for (let length = 1; length < content.length; length += length % 7 === 0 ? 1 : 499) {
      const state = inspectLogFile('000003.log', content.subarray(0, length));
      assert.equal(state.isFollowed, false, `cut off at ${length}`);
      const begins = ends.findLast((end) => end <= length) ?? 0;
      if (ends.includes(length)) assert.equal(state.damagedAt, undefined, `cut off at ${length}`);
      // At a block's end there may be up to six bytes of padding before the record.
      else if (length - begins > 6) {
        assert.ok(state.damagedAt !== undefined, `cut off at ${length}`);
        assert.ok(
          state.damagedAt >= begins && state.damagedAt <= begins + 6,
          `cut off at ${length}`,
        );
      }
    }
  });

  it('tells a changed bit before the last record from one in it', () => {
    const lastBegins = ends.at(-2) ?? 0;
    for (let at = 0; at < content.length; at += 509) {
      const damaged = content.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      const state = inspectLogFile('000003.log', damaged);
      assert.ok(state.damagedAt !== undefined && state.damagedAt <= at, `at ${at}`);
      assert.equal(state.isFollowed, at < lastBegins, `at ${at}`);
    }
  });

  it('tells zeros in the middle, which LevelDB skips in silence, from zeros at the end', () => {
    const middle = content.slice();
    middle.fill(0, 40_000, 40_100);
    assert.equal(inspectLogFile('000003.log', middle).isFollowed, true);
    const end = new Uint8Array(content.length + 70_000);
    end.set(content);
    const state = inspectLogFile('000003.log', end);
    assert.equal(state.damagedAt, content.length);
    assert.equal(state.isFollowed, false);
  });
});
