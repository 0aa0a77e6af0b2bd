import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { seededRandom } from '../../src/base/random.ts';
import { writeUint64 } from '../../src/base/bytes.ts';
import type { Database } from '../../src/storage/database.ts';
import { levelDatabasesWith } from '../../src/storage/level-database.ts';
import { temporaryFolder } from './support.ts';

describe('LevelDB', () => {
  it('has a new log file in its synced folder before a batch in it is acknowledged', async function () {
    this.timeout(60_000);
    const folder = temporaryFolder();
    const logFiles = (): string[] =>
      readdirSync(folder.path).filter((name) => name.endsWith('.log'));
    let synced: readonly string[] = [];
    const databases = levelDatabasesWith((_path, done) => {
      synced = logFiles();
      setImmediate(done, undefined);
    });
    const db = await new Promise<Database>((resolve, reject) => {
      databases.open(folder.path, 'log', (error, opened) => {
        if (opened === undefined) reject(error);
        else resolve(opened);
      });
    });
    const random = seededRandom(7);
    const seen = new Set<string>();
    // Small rows take the most memory for their bytes, large ones the least: both must be caught.
    for (let i = 0, row = 0; i < 600; i++) {
      const size = [0, 20, 1000, 20_000][random.below(4)] ?? 0;
      const batch = db.batch();
      for (let k = 0; k < (size < 100 ? 500 : 5); k++) {
        const key = new Uint8Array(9);
        writeUint64(key, 1, row++);
        batch.put(key, new Uint8Array(random.below(size + 1)));
      }
      await new Promise<void>((resolve, reject) => {
        batch.write((error) => (error === undefined ? resolve() : reject(error)));
      });
      for (const name of logFiles()) {
        seen.add(name);
        assert.ok(synced.includes(name), `${name} after batch ${i}`);
      }
    }
    assert.ok(seen.size >= 2, 'a log file was switched');
    await new Promise<void>((resolve) => db.close(resolve));
    folder.remove();
  });
});
