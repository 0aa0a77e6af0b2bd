import assert from 'node:assert/strict';
import { experiments } from './experiments.ts';
import { dimensionsOf } from './growth.ts';
import { growthPicture } from './growth-picture.ts';
import { parseOptions } from './options.ts';
import { formatDuration, remainingMs } from './progress.ts';
import { durationMsOf, planOf } from './run.ts';
import { logScale, powersOfTen } from './svg.ts';

describe('the arguments of the benchmark', () => {
  it('are a long run where nothing is said, and a short one on request', () => {
    const { seconds, rounds, keys, members, systems } = parseOptions([]);
    assert.deepEqual(
      { seconds, rounds, keys, members, systems },
      { seconds: 60, rounds: 2, keys: 1_000_000, members: 3, systems: ['etcd', 'quorate'] },
    );
    assert.equal(parseOptions(['--quick']).keys, 100_000);
    assert.equal(parseOptions(['--quick', '--keys', '5000']).keys, 5_000);
  });

  it('are refused with what is wrong', () => {
    assert.throws(() => parseOptions(['--seconds', 'x']), /--seconds: a number above 0/);
    assert.throws(() => parseOptions(['--rounds', '1.5']), /--rounds: a whole number/);
    assert.throws(() => parseOptions(['--system', 'zookeeper']), /etcd or quorate/);
    assert.throws(() => parseOptions(['--list', '--growth']), /different runs/);
  });
});

describe('the plan of a run', () => {
  it('puts each experiment in its group, and says how long it takes', () => {
    const options = parseOptions([]);
    const plan = planOf(experiments, options);
    assert.deepEqual(
      plan.map(({ group }) => group),
      ['replicated', 'single'],
    );
    const count = plan.reduce((sum, group) => sum + group.experiments.length, 0);
    assert.equal(count, experiments.length);
    assert.ok(durationMsOf(plan, options) > experiments.length * 60_000);
  });

  it('of a quick run is under five minutes', () => {
    const options = parseOptions(['--quick']);
    const ms = durationMsOf(planOf(experiments, options), options);
    assert.ok(ms < 5 * 60_000, formatDuration(ms));
  });

  it('has no groups without experiments', () => {
    const counts = experiments.filter(({ name }) => name === 'count-all');
    assert.deepEqual(
      planOf(counts, parseOptions([])).map(({ group }) => group),
      ['single'],
    );
  });
});

describe('progress', () => {
  it('believes the plan at first and its own pace later', () => {
    assert.equal(remainingMs(0, 0, 100), 100);
    // Half is done in twice the time: the rest, half corrected.
    assert.equal(remainingMs(100, 50, 100), 75);
    assert.equal(remainingMs(500, 100, 100), 0);
  });

  it('tells times as people do', () => {
    assert.equal(formatDuration(42_000), '42 s');
    assert.equal(formatDuration(300_000), '5 min');
    assert.equal(formatDuration(2.5 * 3_600_000), '2.5 h');
  });
});

describe('pictures', () => {
  it('have axes of powers of ten that stay inside', () => {
    const x = logScale(1, 100, { from: 10, to: 30 });
    assert.equal(x(10), 20);
    assert.equal(x(0.001), 10);
    assert.equal(x(5_000), 30);
    assert.deepEqual(powersOfTen(0.5, 150), [1, 10, 100]);
    assert.deepEqual(powersOfTen(0.1, 1), [0.1, 1]);
  });

  it('of growth draw a line for each system', () => {
    const points = [
      { at: 10, micros: 50 },
      { at: 100, micros: 500 },
    ];
    const svg = growthPicture([
      {
        title: 'keys',
        ticks: [
          { at: 10, label: '10' },
          { at: 100, label: '100' },
        ],
        lines: [
          { system: 'etcd', points },
          { system: 'quorate', points },
        ],
      },
    ]);
    assert.equal(svg.match(/<polyline/g)?.length, 2);
    assert.equal(svg.match(/<circle/g)?.length, 4);
    assert.ok(!svg.includes('NaN'));
  });
});

describe('growth', () => {
  it('is measured along keys, revisions, watchers, values and members', () => {
    const names = dimensionsOf(1_000_000).map(({ name }) => name);
    assert.deepEqual(names, ['keys', 'revisions', 'watchers', 'value-bytes', 'members']);
  });

  it('takes no step beyond the keys that the run allows', () => {
    const [keys, revisions] = dimensionsOf(50_000);
    assert.deepEqual(
      keys?.steps.map(({ at }) => at),
      [10_000],
    );
    assert.deepEqual(
      revisions?.steps.map(({ at }) => at),
      [10_000],
    );
  });
});
