import assert from 'node:assert/strict';
import { toolExperiments } from './benchmark-tool.ts';
import { experimentNames } from './experiment-names.ts';
import { experiments } from './experiments.ts';
import { rows, toolRows } from './rows.ts';

/** What the store must reach, row by row: goal, and in brackets the goal by etcd's own benchmark. */
const mustReach: readonly (readonly [string, number | undefined, number | undefined])[] = [
  ['put-1', 1, 1],
  ['put-1-p99', 1, undefined],
  ['put-64', 3, 2],
  ['put-64x16', 4, 2],
  ['range-1', 1.2, undefined],
  ['range-64', 3.5, 2],
  ['range-64-follower', 3.5, 2],
  ['range-64x16', 6, 2],
  ['serializable-64', 4, 2],
  ['txn-update-64', 3, 2],
  ['range-500', 100, undefined],
  ['paging-500', 50, undefined],
  ['count-all', 700, undefined],
  ['big-range', 2, undefined],
  ['big-range-put-p99', 2, undefined],
  ['watch-1000', 1.5, 1.2],
  ['watch-1000-p99', 1, undefined],
  ['watch-idle', 3, undefined],
  ['watch-idle-memory', 1, undefined],
  ['lease-keep-alive-64', 3, 2],
  ['memory', 1, undefined],
  ['restart', 1, undefined],
  ['cpu-put', 0.4, undefined],
  ['cpu-range', 0.35, undefined],
  ['failover', 1, undefined],
  ['turn', 20, undefined],
  ['turn-wall', undefined, undefined],
];

describe('the rows of the benchmark', () => {
  it('are those that the store must reach, with their goals', () => {
    const told = rows.map(({ id, goal, toolGoal }) => [id, goal?.value, toolGoal]);
    assert.deepEqual(told, mustReach);
  });

  it('have an experiment each, and each experiment a row', () => {
    const measured = new Set<string>([...experiments.map(({ name }) => name), 'turns']);
    assert.deepEqual([...measured].sort(), [...experimentNames].sort());
    assert.deepEqual(
      rows.filter(({ experiment }) => !measured.has(experiment)),
      [],
    );
    const shown = new Set(rows.map(({ experiment }) => experiment));
    assert.deepEqual(
      experimentNames.filter((name) => !shown.has(name)),
      [],
    );
  });

  it("have an experiment by etcd's own benchmark where a goal for it is set", () => {
    const measured = new Set(toolExperiments.map(({ name }) => name));
    assert.deepEqual(
      toolRows.filter(({ experiment }) => !measured.has(experiment)),
      [],
    );
    assert.equal(toolRows.length, measured.size);
  });

  it('have ids that differ', () => {
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
  });
});
