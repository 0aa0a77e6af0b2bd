import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import { lastOf, runAppender } from './run-appender.ts';
import { closed, fixtureOn, temporaryFolder } from './support.ts';

/** The same as the doubles do, once for real: the C library fails under LevelDB, by a preloaded shim. */
describe('A disk that really fails', () => {
  const folder = temporaryFolder();
  const shim = `${folder.path}/fail-io.so`;
  const source = fileURLToPath(new URL('../../../test/storage/shim/fail-io.c', import.meta.url));

  before(function () {
    const built = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, source, '-ldl']);
    if (built.status === 0 && process.platform === 'linux') return;
    const reason = `no cc to build ${source}: ${String(built.error ?? built.stderr)}`;
    // CI is a place where nothing may be skipped.
    if (process.env['CI'] === 'true') throw new Error(reason);
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  after(() => folder.remove());

  let members = 0;
  for (const [mode, target, text] of [
    ['sync', 'log-000001', /Input\/output error/],
    ['sync', 'store-000001', /Input\/output error/],
    ['sync', 'witness-000001', /EIO|i\/o error/],
    ['space', 'log-000001', /No space left/],
  ] as const) {
    it(`ends the member: ${mode} of ${target}`, async function () {
      this.timeout(30_000);
      const path = `${folder.path}/member-${++members}`;
      const env = { LD_PRELOAD: shim, FAIL: mode, FAIL_PATH: target, FAIL_AFTER: '25' };
      const { lines, code } = await runAppender(path, env, (lines) => lines.length > 5000);
      assert.equal(code, 70, lines.slice(-3).join('\n'));
      assert.match(lines.at(-1) ?? '', /^fatal WRITE_FAILED/);
      assert.match(lines.at(-1) ?? '', text);
      const fixture = fixtureOn(machineDisk, path);
      const dataDir = await fixture.open();
      assert.equal(dataDir.provenLoss, undefined);
      assert.ok(dataDir.log.lastIndex() >= lastOf(lines, 'log'));
      assert.ok(dataDir.store.state.appliedIndex >= lastOf(lines, 'store'));
      await closed(dataDir);
    });
  }
});
