import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { loadArguments } from './load.ts';
import { repositoryRoot } from '../members/programs.ts';

const hasGo = spawnSync('go', ['version']).status === 0;

describe('the load generator', () => {
  it('is told what is given, durations in their unit, and left to its defaults otherwise', () => {
    const options = {
      work: 'put',
      endpoints: ['127.0.0.1:1', '127.0.0.1:2'],
      connections: 64,
      warmupMs: 0,
      durationMs: 1500,
      rate: 0.5,
    } as const;
    const wanted =
      '-endpoints 127.0.0.1:1,127.0.0.1:2 -work put -connections 64 -warmup 0ms -duration 1500ms -rate 0.5';
    assert.equal(loadArguments(options).join(' '), wanted);
  });

  it('passes the tests of its own', function () {
    if (!hasGo && process.env['CI'] !== 'true') this.skip();
    // Its packages may have to be compiled first.
    this.timeout(180_000);
    const cwd = join(repositoryRoot, 'test/bench/load');
    for (const command of ['vet', 'test']) {
      const { status, stdout, stderr } = spawnSync('go', [command, './...'], {
        cwd,
        encoding: 'utf8',
      });
      assert.equal(status, 0, `go ${command}:\n${stdout}${stderr}`);
    }
  });
});
