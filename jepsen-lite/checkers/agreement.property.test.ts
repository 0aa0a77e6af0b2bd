import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Request } from '../client/requests.ts';
import type { History, Operation, Outcome } from '../types.ts';
import { HistoryBuilder, withOperation, withRead, withRevision } from './history-builder.ts';
import { replay } from './replay.ts';
import { wgl } from './wgl.ts';

/**
 * Histories of a register that is right, with operations that overlap and some in doubt: both opinions accept
 * them. After a corruption that matters both refuse them.
 */

type Kind = 'get' | 'put' | 'cas' | 'delete';

interface Planned {
  readonly kind: Kind;
  readonly key: number;
  readonly processes: number;
  /** How long before and behind its effect it was under way. */
  readonly before: number;
  readonly after: number;
  readonly fate: 'ok' | 'in doubt, done' | 'in doubt, not done';
}

const planned: fc.Arbitrary<Planned> = fc.record({
  kind: fc.constantFrom<Kind>('get', 'get', 'put', 'cas', 'delete'),
  key: fc.nat(1),
  processes: fc.nat(3),
  before: fc.integer({ min: 1, max: 40 }),
  after: fc.integer({ min: 1, max: 40 }),
  fate: fc.oneof(
    { weight: 8, arbitrary: fc.constant('ok' as const) },
    { weight: 1, arbitrary: fc.constant('in doubt, done' as const) },
    { weight: 1, arbitrary: fc.constant('in doubt, not done' as const) },
  ),
});

function requestFor({ kind, key }: Planned, n: number, lastValue: string): Request {
  const name = `k${key}`;
  switch (kind) {
    case 'get':
      return { success: [{ op: 'get', key: name }] };
    case 'put':
      return { success: [{ op: 'put', key: name, value: `v${n}` }] };
    case 'delete':
      return { success: [{ op: 'delete', key: name }] };
    case 'cas':
      return {
        compare: [{ key: name, target: 'value', is: '=', to: lastValue }],
        success: [{ op: 'put', key: name, value: `v${n}` }],
        failure: [{ op: 'get', key: name }],
      };
  }
}

/** The effects come in the order of the plan, twenty microseconds apart. */
function historyFor(plan: readonly Planned[]): History {
  const run = new HistoryBuilder().busy();
  let lastValue = 'none';
  plan.forEach((each, n) => {
    const at = 10_000 + n * 20;
    const outcome: Outcome = each.fate === 'ok' || each.kind === 'get' ? 'ok' : 'info';
    const moment = { process: n, startUs: at - each.before, endUs: at + each.after, outcome };
    const request = requestFor(each, n, lastValue);
    if (outcome === 'info' && each.fate === 'in doubt, not done') run.lose(request, moment);
    else run.ask(request, moment);
    if (each.kind === 'put') lastValue = `v${n}`;
  });
  return run.history();
}

function reads(history: History): readonly Operation[] {
  return history.operations.filter(
    ({ input, startUs }) =>
      startUs > 5_000 && JSON.stringify(input).startsWith('{"success":[{"op":"get"'),
  );
}

describe('the two opinions on registers', () => {
  it('accept whatever a right register answers', () => {
    fc.assert(
      fc.property(fc.array(planned, { minLength: 1, maxLength: 60 }), (plan) => {
        const history = historyFor(plan);
        for (const checker of [replay, wgl]) {
          const { anomalies, result } = checker.check(history);
          assert.deepEqual([checker.name, result, anomalies], [checker.name, 'valid', []]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('refuse a read of a value that was never written', () => {
    fc.assert(
      fc.property(fc.array(planned, { minLength: 10, maxLength: 40 }), fc.nat(), (plan, pick) => {
        const history = historyFor(plan);
        const candidates = reads(history).filter(({ output }) =>
          JSON.stringify(output).includes('"value"'),
        );
        const read = candidates[pick % Math.max(1, candidates.length)];
        fc.pre(read !== undefined);
        const lie = withOperation(history, read.index, (each) =>
          withRead(each, (kv) => ({ ...kv, value: 'never' })),
        );
        assert.equal(wgl.check(lie).result, 'invalid');
        assert.equal(replay.check(lie).result, 'invalid');
      }),
      { numRuns: 200 },
    );
  });

  it('agree on reads that are told the answer of another read', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(planned, { minLength: 10, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        (plan, a, b) => {
          const history = historyFor(plan);
          const all = reads(history);
          const [read, other] = [a, b].map((n) => all[n % Math.max(1, all.length)]);
          fc.pre(read !== undefined && other !== undefined);
          const isSameKey = JSON.stringify(read.input) === JSON.stringify(other.input);
          fc.pre(isSameKey && read !== other);
          const lie = withOperation(history, read.index, (each) => ({
            ...each,
            output: other.output,
          }));
          const [opinion, second] = [replay.check(lie).result, wgl.check(lie).result];
          if (second === 'invalid') refused++;
          // The replay sees more: that the revision is of another time, though the value is the same.
          if (second === 'invalid') assert.equal(opinion, 'invalid');
          if (opinion === 'valid') assert.equal(second, 'valid');
        },
      ),
      { numRuns: 400 },
    );
    assert.ok(refused > 0, 'no lie of them mattered');
  });

  it('the replay refuses a write with the revision of another', () => {
    fc.assert(
      fc.property(fc.array(planned, { minLength: 10, maxLength: 40 }), (plan) => {
        const history = historyFor(plan);
        const write = history.operations.find(
          ({ startUs, outcome, input }) =>
            startUs > 5_000 &&
            outcome === 'ok' &&
            JSON.stringify(input).startsWith('{"success":[{"op":"put"'),
        );
        fc.pre(write !== undefined);
        const lie = withOperation(history, write.index, (each) => withRevision(each, 3));
        assert.equal(replay.check(lie).result, 'invalid');
      }),
      { numRuns: 100 },
    );
  });
});
