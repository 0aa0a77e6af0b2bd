import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildShim } from './shim/build.ts';

/** A test of the test: a member whose syncs do nothing loses what it acknowledged, and that must be seen. */
describe('Pulled plugs', () => {
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  const results = mkdtempSync(join(tmpdir(), 'quorate-crash-control-'));
  after(() => rmSync(results, { recursive: true, force: true }));

  it('find a member whose syncs do nothing, and find it again in what they kept', function () {
    this.timeout(180_000);
    const { path, ...built } = buildShim();
    if (path === undefined) {
      console.log(`      skipped: ${'reason' in built ? built.reason : ''}`);
      return this.skip();
    }
    const run = (...args: readonly string[]): readonly [number | null, string] => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
        encoding: 'utf8',
      });
      return [status, stdout + stderr];
    };
    const flags = ['--images', '12', '--seed', '3', '--only', 'peers', '--skip-syncs'];
    const [status, output] = run(...flags, '--results', results);
    assert.equal(status, 1, output);
    assert.match(output, /FAILED image \d+/);
    assert.match(output, /\d+ passed, \d+ failed\n$/);
    const [kept = ''] = readdirSync(results);
    const [statusAgain, outputAgain] = run('--replay', join(results, kept));
    assert.equal(statusAgain, 1, outputAgain);
    assert.match(outputAgain, /0 passed, 1 failed\n$/);
  });
});
