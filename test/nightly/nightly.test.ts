import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextPart } from './choice.ts';
import { repeatOf } from './repeat.ts';
import { commandLine, countLine, describeNight } from './report.ts';
import { loadState, saveState } from './state.ts';
import type { Night, Part } from './types.ts';

const part = (name: string, share: number, sliceSeconds: number, isElastic = false): Part => ({
  name,
  share,
  sliceSeconds,
  isElastic,
  slice: () => ({ what: name, argv: [] }),
});

describe('a night', () => {
  it('gives every part its share of the time', () => {
    const parts = [part('sim', 6, 10), part('crash', 3, 30), part('fuzz', 1, 5)];
    const had = new Map<string, number>();
    for (let left = 3000; ;) {
      const next = nextPart(parts, (name) => had.get(name) ?? 0, left);
      if (next === undefined) break;
      had.set(next.name, (had.get(next.name) ?? 0) + next.sliceSeconds);
      left -= next.sliceSeconds;
    }
    for (const { name, share } of parts) {
      assert.ok(Math.abs((had.get(name) ?? 0) - share * 300) <= 60, `${name}: ${had.get(name)} s`);
    }
  });

  it('begins nothing that does not fit into what is left of it', () => {
    const parts = [part('crash', 1, 900), part('sim', 1, 600, true)];
    assert.equal(nextPart(parts, () => 0, 1000)?.name, 'crash');
    assert.equal(nextPart(parts, () => 0, 100)?.name, 'sim');
    assert.equal(
      nextPart(parts, () => 0, 10),
      undefined,
    );
  });

  it('keeps of a long slice that failed what shows the failure again', () => {
    const slice = ['npm', 'run', '-s', 'sim', '--', '--seconds', '600', '--seed', '7000000'];
    const output =
      'I7 broken\nagain: npm run sim -- --seed 7000041 --steps 60\n0 passed, 1 failed\n';
    const again = ['npm', 'run', '-s', 'sim', '--', '--seed', '7000041', '--steps', '60'];
    assert.deepEqual(repeatOf(output, slice), again);
    assert.deepEqual(repeatOf('it broke', slice), slice);
  });

  it('is remembered, so that it goes on after an interruption', () => {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-nightly-'));
    try {
      const state = loadState(folder);
      state.night = night;
      saveState(folder, state);
      assert.deepEqual(loadState(folder), state);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('tells what was found and how to see it again', () => {
    const text = describeNight(night);
    assert.match(text, /sim +\| +0\.50 \| +1 \| +7 \| +7 \| +1 \|/);
    assert.match(text, /- sim, fresh seeds: I7 one vote a term\n\n {6}npm run sim -- --seed 7/);
    assert.equal(countLine(night), '1 passed, 1 failed');
  });

  it('writes commands as a shell takes them', () => {
    assert.equal(
      commandLine(['mocha', '-g', "it's a test"], { SEED: '7' }),
      String.raw`SEED=7 mocha -g 'it'\''s a test'`,
    );
  });
});

const result = { told: '', isPassed: true, what: 'fresh seeds', seed: 7 };

const night: Night = {
  folder: 'x',
  hours: 1,
  elapsedSeconds: 1860,
  results: [
    {
      ...result,
      part: 'sim',
      command: 'npm run sim -- --seed 7',
      seconds: 1800,
      isPassed: false,
      told: 'I7 one vote a term',
    },
    { ...result, part: 'kill', command: 'mocha', seconds: 60 },
  ],
};
