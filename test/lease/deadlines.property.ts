import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Deadlines } from '../../src/lease/deadlines.ts';

/** The heap of deadlines against a plain map, which is too simple to be wrong. */

const id = fc.bigInt(-4n, 20n);
const dueMs = fc.integer({ min: 0, max: 30 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), id, dueMs }),
  fc.record({ kind: fc.constant('delete' as const), id }),
  fc.record({ kind: fc.constant('take' as const), nowMs: dueMs }),
);

describe('deadlines', () => {
  it('are what a map of them says, after every step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const deadlines = new Deadlines();
        const model = new Map<bigint, number>();
        for (const one of steps) {
          if (one.kind === 'set') {
            deadlines.set(one.id, one.dueMs);
            model.set(one.id, one.dueMs);
          } else if (one.kind === 'delete') {
            deadlines.delete(one.id);
            model.delete(one.id);
          } else {
            const taken = deadlines.takeDue(one.nowMs);
            const firstMs = Math.min(...model.values());
            if (taken === undefined) assert.ok(firstMs > one.nowMs);
            else {
              assert.ok(firstMs <= one.nowMs);
              assert.equal(model.get(taken), firstMs, 'the earliest goes first');
              model.delete(taken);
            }
          }
          check(deadlines, model);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('refuse a moment that is none', () => {
    assert.throws(() => new Deadlines().set(1n, Number.NaN), /deadline of 1/);
  });
});

function check(deadlines: Deadlines, model: ReadonlyMap<bigint, number>): void {
  assert.equal(deadlines.size, model.size);
  const sorted = [...model].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  assert.equal(deadlines.firstMs, sorted[0]?.[1]);
  const listed = [...deadlines.inOrder()];
  assert.deepEqual(
    listed.map((each) => model.get(each)),
    sorted.map(([, due]) => due),
  );
  assert.equal(new Set(listed).size, model.size, 'each is listed once');
  for (const [each, due] of model) assert.equal(deadlines.get(each), due);
}
