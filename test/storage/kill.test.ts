import assert from 'node:assert/strict';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import { entryOfSize } from './appender-entry.ts';
import { lastOf, runAppender } from './run-appender.ts';
import { closed, fixtureOn, temporaryFolder } from './support.ts';

describe('A process killed with -9', () => {
  it('has lost nothing that it acknowledged', async function () {
    this.timeout(60_000);
    const folder = temporaryFolder();
    const path = `${folder.path}/member`;
    for (let round = 1; round <= 5; round++) {
      let acknowledged = 0;
      const { lines } = await runAppender(path, {}, (lines) => {
        acknowledged = lines.filter((line) => line.startsWith('log ')).length;
        return acknowledged >= 15 * round;
      });
      assert.ok(acknowledged > 0);
      const fixture = fixtureOn(machineDisk, path);
      const dataDir = await fixture.open();
      const { log, store } = dataDir;
      assert.equal(dataDir.provenLoss, undefined);
      assert.ok(log.lastIndex() >= lastOf(lines, 'log'), `round ${round}`);
      assert.ok(store.state.appliedIndex >= lastOf(lines, 'store'), `round ${round}`);
      for (const entry of log.entries(log.firstIndex(), log.lastIndex() + 1, Infinity)) {
        assert.deepEqual(entry, entryOfSize(entry.index, entry.term));
      }
      await closed(dataDir);
    }
    folder.remove();
  });
});
