import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClockShim, readReadings, writeOffsets } from './clock.ts';

const canBuild = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
const hourMs = 3_600_000;

describe('jepsen-lite: clocks that are wrong', () => {
  let folder = '';
  before(function () {
    if (!canBuild && process.env['CI'] !== 'true') this.skip();
    folder = mkdtempSync(join(tmpdir(), 'quorate-clock-'));
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  it('jump in a process that runs, and count that they were read; right ones count nothing', async () => {
    const path = join(folder, 'offsets');
    writeOffsets(path, { wallMs: 0, monotonicMs: 0 });
    const say = `process.stdin.on('data', () => console.log(Date.now() + ' ' + performance.now()))`;
    const child = spawn(process.execPath, ['-e', say], {
      env: { ...process.env, LD_PRELOAD: buildClockShim(folder), JEPSEN_CLOCK: path },
    });
    const ask = async (): Promise<readonly number[]> => {
      child.stdin.write('?');
      const [told] = (await once(child.stdout, 'data')) as [Buffer];
      return told.toString().split(' ').map(Number);
    };
    const [wall = 0, monotonic = 0] = await ask();
    assert.ok(Math.abs(wall - Date.now()) < 60_000);
    assert.deepEqual(readReadings(path), { wall: 0, monotonic: 0 });

    writeOffsets(path, { wallMs: -hourMs, monotonicMs: 30_000 });
    const [wrongWall = 0, wrongMonotonic = 0] = await ask();
    assert.ok(Math.abs(wrongWall + hourMs - Date.now()) < 60_000);
    assert.ok(wrongMonotonic - monotonic >= 30_000);
    const readings = readReadings(path);
    assert.ok(readings.wall > 0 && readings.monotonic > 0, JSON.stringify(readings));

    writeOffsets(path, { wallMs: 0, monotonicMs: 30_000 });
    const { wall: counted } = readReadings(path);
    await ask();
    assert.equal(readReadings(path).wall, counted);
    child.kill();
  });
});
