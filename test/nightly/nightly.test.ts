import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trial } from '../mutants/trial.ts';
import { nextChoice } from './choice.ts';
import { NightRun, type NightOptions } from './night.ts';
import { allParts } from './parts.ts';
import { repeatOf } from './repeat.ts';
import { commandLine, countLine, describeNight } from './report.ts';
import { loadState, saveState } from './state.ts';
import type { Night, Part, Slice } from './types.ts';

const part = (name: string, share: number, sliceSeconds: number, leastSeconds: number): Part => ({
  name,
  share,
  sliceSeconds,
  leastSeconds,
  slice: ({ seed, seconds }) => ({ what: name, argv: [name, String(seed), String(seconds)] }),
  silentIn: (output) => /^silent: (.*)$/.exec(output)?.[1]?.split(','),
});

/** What each part has had when the night is over, and how many slices that were. */
function planned(parts: readonly Part[], nightSeconds: number): Map<string, readonly number[]> {
  const had = new Map<string, number[]>();
  const sum = (name: string): number => had.get(name)?.reduce((a, b) => a + b) ?? 0;
  for (let leftSeconds = nightSeconds; ;) {
    const choice = nextChoice({
      parts,
      nightSeconds,
      leftSeconds,
      had: (name) => (had.has(name) ? sum(name) : undefined),
      hadEver: sum,
    });
    if (choice === undefined) return had;
    const { seconds } = choice;
    assert.ok(seconds <= leftSeconds && seconds <= choice.part.sliceSeconds);
    had.set(choice.part.name, [...(had.get(choice.part.name) ?? []), seconds]);
    leftSeconds -= seconds;
  }
}

describe('how a night is divided', () => {
  it('gives every part its share of the time', () => {
    const parts = [part('sim', 6, 10, 5), part('crash', 3, 30, 30), part('fuzz', 1, 5, 5)];
    const had = planned(parts, 3000);
    for (const { name, share } of parts) {
      const seconds = had.get(name)?.reduce((a, b) => a + b) ?? 0;
      assert.ok(Math.abs(seconds - share * 300) <= 60, `${name}: ${seconds} s`);
    }
  });

  it('lets every harness have a turn in ten minutes, in slices of their share', () => {
    const had = planned(allParts, 600);
    assert.deepEqual([...had.keys()].toSorted(), allParts.map(({ name }) => name).toSorted());
  });

  it('gives no part so much that another has nothing', () => {
    const parts = [part('sim', 98, 600, 20), part('crash', 1, 900, 50), part('fuzz', 1, 300, 10)];
    const had = planned(parts, 100);
    assert.deepEqual(had.get('sim'), [40]);
    assert.deepEqual(had.get('crash'), [50]);
    assert.deepEqual(had.get('fuzz'), [10]);
  });

  it('begins nothing that does not fit into what is left of it', () => {
    const parts = [part('crash', 1, 900, 60), part('sim', 1, 600, 20)];
    const standing = { parts, nightSeconds: 2000, had: () => 500, hadEver: () => 0 };
    assert.equal(nextChoice({ ...standing, leftSeconds: 1000 })?.part.name, 'crash');
    assert.equal(nextChoice({ ...standing, leftSeconds: 30 })?.part.name, 'sim');
    assert.equal(nextChoice({ ...standing, leftSeconds: 10 }), undefined);
  });

  it('begins, when it is too short for all, with those that have waited longest', () => {
    const parts = [part('sim', 1, 600, 20), part('crash', 1, 900, 60)];
    const standing = { parts, nightSeconds: 60, leftSeconds: 60, had: () => undefined };
    const hadEver = (name: string): number => (name === 'sim' ? 600 : 100);
    assert.equal(nextChoice({ ...standing, hadEver })?.part.name, 'crash');
  });
});

describe('a night', function () {
  this.timeout(20_000);

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-nightly-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Slices take as long as they should; `result` says what comes of the one with this command. */
  function start(result: (argv: readonly string[]) => Partial<Trial>): {
    readonly night: NightRun;
    readonly ran: (readonly string[])[];
  } {
    const ran: (readonly string[])[] = [];
    const run = (slice: Slice, seconds: number): Promise<Trial> => {
      ran.push(slice.argv);
      const told = { end: 'silent' as const, seconds, told: '', output: '' };
      return Promise.resolve({ ...told, ...result(slice.argv) });
    };
    const parts = [part('sim', 1, 30, 10), part('fuzz', 1, 30, 10)];
    const rest = { parts, folder, isNew: false, say: () => undefined };
    const options: NightOptions = { ...rest, hours: 120 / 3600, run };
    return { night: new NightRun(options), ran };
  }

  it('goes on after an interruption with what was left of it', async () => {
    let slices = 0;
    const broken = start(() => {
      if (++slices === 3) throw new Error('killed');
      return {};
    });
    await assert.rejects(broken.night.run(), /killed/);
    const next = start(() => ({}));
    assert.equal(next.night.night.folder, broken.night.night.folder);
    assert.equal(await next.night.run(), true);
    assert.deepEqual(next.ran[0], broken.ran[2], 'the slice that was cut off is run again');
    assert.deepEqual([broken.ran.length - 1, next.ran.length], [2, 2]);
    assert.equal(next.night.night.elapsedSeconds, 120);
    assert.equal(loadState(folder).night, undefined);
  });

  it('begins with the seeds that have failed before, until they pass', async () => {
    const fails = (argv: readonly string[]): Partial<Trial> =>
      argv[0] === 'fuzz' ? { end: 'caught', told: 'it broke' } : {};
    const first = start(fails);
    assert.equal(await first.night.run(), false);
    const failed = first.ran.filter(([name]) => name === 'fuzz');
    const second = start(fails);
    await second.night.run();
    assert.deepEqual(second.ran.slice(0, failed.length), failed);
    const found = second.ran.filter(([name]) => name === 'fuzz').length;
    const third = start(() => ({}));
    assert.equal(await third.night.run(), true);
    assert.equal(
      third.ran.slice(0, found).every(([name]) => name === 'fuzz'),
      true,
    );
    assert.deepEqual(loadState(folder).corpus, []);
  });

  it('forgets none of them when it is interrupted while it runs them', async () => {
    await start(() => ({ end: 'caught', seconds: 30 })).night.run();
    const corpus = loadState(folder).corpus.map(({ argv }) => argv);
    let slices = 0;
    const broken = start(() => {
      if (++slices === 2) throw new Error('killed');
      return { end: 'caught', seconds: 10 };
    });
    await assert.rejects(broken.night.run(), /killed/);
    const next = start(() => ({ seconds: 10 }));
    await next.night.run();
    assert.deepEqual(next.ran.slice(0, corpus.length - 1), corpus.slice(1));
    assert.equal(loadState(folder).corpus.length, 1, 'one has failed again in this night');
  });

  it('tells which rare states none of its slices has reached', async () => {
    const silent = { sim: 'silent: a,b,c', fuzz: 'silent: c,a' } as const;
    const { night } = start(([name]) => ({ output: name === 'sim' ? silent.sim : silent.fuzz }));
    await night.run();
    assert.deepEqual(night.night.silent, ['a', 'c']);
    assert.match(describeNight(night.night, []), /^Never reached by the simulator: a; c$/m);
  });

  it('keeps of a long slice that failed what shows the failure again', () => {
    const slice = ['npm', 'run', '-s', 'sim', '--', '--seconds', '600', '--seed', '7000000'];
    const output =
      'I7 broken\nagain: npm run sim -- --seed 7000041 --steps 60\n0 passed, 1 failed\n';
    const again = ['npm', 'run', '-s', 'sim', '--', '--seed', '7000041', '--steps', '60'];
    assert.deepEqual(repeatOf(output, slice), again);
    assert.deepEqual(repeatOf('it broke', slice), slice);
  });

  it('is remembered', () => {
    const state = loadState(folder);
    state.night = night;
    saveState(folder, state);
    assert.deepEqual(loadState(folder), state);
  });

  it('tells what was found and how to see it again, and who has had no turn', () => {
    const text = describeNight(night, [{ name: 'sim' }, { name: 'soak' }]);
    assert.match(text, /sim +\| +0\.50 \| +1 \| +7 \| +7 \| +1 \|/);
    assert.match(text, /- sim, fresh seeds: I7 one vote a term\n\n {6}npm run sim -- --seed 7/);
    assert.match(text, /^Without a turn: soak$/m);
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
