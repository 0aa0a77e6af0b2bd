import assert from 'node:assert/strict';
import { seededRandom } from '../src/base/random.ts';
import { roundOf, weightOf } from './matrix.ts';
import { nemeses } from './nemesis/index.ts';
import { named, parseOptions } from './options.ts';
import { workloads } from './workloads/index.ts';

describe('jepsen-lite: arguments', () => {
  it('a test lasts a minute and a matrix an hour where nothing is said', () => {
    assert.equal(parseOptions(['--workload', 'register']).seconds, 60);
    assert.equal(parseOptions(['--matrix']).seconds, 3_600);
  });

  it('are refused with a line that says why', () => {
    assert.throws(() => parseOptions([]), /--workload is missing/);
    assert.throws(() => parseOptions(['--list', '--matrix']), /different runs/);
    assert.throws(() => parseOptions(['--matrix', '--time', '0']), /--time: a whole number from 1/);
    assert.throws(() => parseOptions(['--matrix', '--target', 'x']), /quorate or etcd/);
    assert.throws(
      () => named('nemesis', nemeses, 'x'),
      /no nemesis named x; there are: none, kill/,
    );
  });
});

describe('jepsen-lite: the matrix', () => {
  it('has each cell as often as its weight, whatever the order', () => {
    const round = roundOf(seededRandom(1), 'quorate', { workloads, nemeses });
    for (const { name } of workloads) {
      for (const nemesis of nemeses) {
        const count = round.filter(
          (cell) => cell.workload.name === name && cell.nemesis === nemesis,
        ).length;
        assert.equal(count, nemesis.mustFail === true ? 0 : weightOf(name, nemesis.name));
      }
    }
  });

  it('leaves out at etcd what works through the C library', () => {
    const round = roundOf(seededRandom(1), 'etcd', { workloads, nemeses });
    assert.ok(round.length > 0);
    assert.ok(round.every(({ nemesis }) => nemesis.targets.includes('etcd')));
  });

  it('counts no lease while monotonic clocks go ahead', () => {
    assert.equal(weightOf('lease', 'monotonic'), 0);
  });
});
