import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratchFolder } from '../members/loopback.ts';
import { guarded, guardedFolder } from '../members/member.ts';
import { repositoryRoot } from '../members/programs.ts';
import type { Turns } from './turns.ts';

const meter = join(repositoryRoot, 'dist/test/bench/turn-meter.cjs');
/** Waits, and now and then a turn takes long; the last word is what the meter's file is named by. */
const programOf = (longTurn: string): string => `
  const turnMs = 60;
  setInterval(() => {
    ${longTurn}
  }, 250);
  setInterval(() => undefined, 20);
`;
const computes = `
    const end = performance.now() + turnMs;
    while (performance.now() < end);`;
const sleeps = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, turnMs);';

describe('the turn meter', function () {
  this.timeout(20_000);

  it('sees a turn that computes, and does not keep the loop from waiting', async () => {
    const turns = await turnsOf(computes);
    assert.ok(turns.longestWallMs >= 59, `${turns.longestWallMs} ms`);
    assert.ok(turns.longestCpuMs <= turns.longestWallMs + 0.001);
    // Much less where other processes take the cores: then it waited for most of those 60 ms.
    assert.ok(turns.longestCpuMs > 5, `${turns.longestCpuMs} ms`);
    // About 100 timers in 2 s: a loop that never waits would turn a hundred thousand times.
    assert.ok(turns.turns > 5 && turns.turns < 2_000, `${turns.turns} turns`);
  });

  it('does not take for CPU time what a turn has slept', async function () {
    if (process.platform !== 'linux') return this.skip();
    const turns = await turnsOf(sleeps);
    assert.ok(turns.longestWallMs >= 59, `${turns.longestWallMs} ms`);
    assert.ok(turns.longestCpuMs < 40, `${turns.longestCpuMs} ms`);
  });
});

async function turnsOf(longTurn: string): Promise<Turns> {
  const folder = scratchFolder('turns');
  const remove = guardedFolder(folder);
  const dataDir = join(folder, 'a');
  const args = ['--require', meter, '-e', programOf(longTurn), '--', `--data-dir=${dataDir}`];
  const child = guarded(spawn(process.execPath, args, { stdio: 'inherit' }));
  try {
    await sleep(2_500);
    child.kill('SIGUSR2');
    const file = `${dataDir}.turns.json`;
    while (!existsSync(file)) await sleep(20);
    return JSON.parse(readFileSync(file, 'utf8')) as Turns;
  } finally {
    child.kill('SIGKILL');
    remove();
  }
}
