import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { checkTxn } from '../../src/apply/check-txn.ts';
import { deleteRangeInSteps } from '../../src/apply/delete-range.ts';
import {
  applyLeaseExpiry,
  applyLeaseRevoke,
  leaseExpiryInSteps,
  leaseRevokeInSteps,
} from '../../src/apply/lease.ts';
import type { Steps } from '../../src/apply/steps.ts';
import { evaluateReadTxn, readTxnInSteps, txnInSteps } from '../../src/apply/txn.ts';
import { hex, utf8 } from '../../src/base/bytes.ts';
import { sortInSteps } from '../../src/base/sort-in-steps.ts';
import type { Leases } from '../../src/lease/leases.ts';
import { wholeKeySpace } from '../../src/mvcc/key-range.ts';
import type { PutRow } from '../../src/mvcc/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { ok } from '../../src/wire/errors.ts';
import { CompareResult, CompareTarget, PutRequest, TxnRequest } from '../../src/wire/kv.ts';
import { rangeRequest, request, type Request } from './arbitraries.ts';
import { granted, Machine } from './harness.ts';
import { storeKinds, type TestStore } from './stores.ts';

/** What is applied in steps comes to the same as what is applied at once, however large the steps are. */

const stepRows = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
const leaseIds = [1n, 2n, 3n];

/** Takes steps of these sizes, again and again; what is handed out is kept at once, as the shell does. */
function take<T>(steps: Steps<T>, sizes: readonly number[], keep: TestStore['keep']) {
  const rows: PutRow[] = [];
  for (let i = 0; ; i++) {
    const next = steps.next(sizes[i % sizes.length] ?? 1);
    if (next.done === true) return { rows, value: next.value };
    rows.push(...(next.value ?? []));
    keep(next.value ?? []);
  }
}

class Side {
  readonly test: TestStore;
  readonly leases: Leases = granted(...leaseIds);
  readonly machine: Machine;

  constructor(newStore: () => TestStore) {
    this.test = newStore();
    this.machine = new Machine(this.test, this.leases);
  }

  /** Everything that there is to see: versions with their rows, and whose keys are whose. */
  state(): unknown {
    const { store } = this.test;
    const live = store.scan(wholeKeySpace, Number.MAX_SAFE_INTEGER);
    return {
      revision: store.revision,
      count: store.count(wholeKeySpace),
      versions: live.map((version) => ({ version, row: hex(store.read(version)) })),
      keys: leaseIds.map((id) => this.leases.keysOf(id).map(hex)),
      granted: leaseIds.filter((id) => this.leases.has(id)),
    };
  }
}

/** Applies a request at once; undefined where it is not one of those that may take long. */
function atOnce({ machine }: Side, one: Request): unknown {
  const outcome =
    one.kind === 'deleteRange'
      ? machine.send(CommandKind.deleteRange, one.deleteRange)
      : machine.send(CommandKind.txn, one.txn);
  return { outcome, rows: machine.last?.rows };
}

function inSteps({ test, leases }: Side, one: Request, sizes: readonly number[]): unknown {
  const { store, keep } = test;
  if (one.kind === 'txn') {
    const { rows, value } = take(txnInSteps({ store, leases }, one.txn), sizes, keep);
    keep(value.rows);
    return { outcome: value.outcome, rows: [...rows, ...value.rows] };
  }
  const txn = store.begin();
  const { rows, value } = take(
    deleteRangeInSteps({ store, leases, txn }, one.deleteRange),
    sizes,
    keep,
  );
  const last = txn.end().rows;
  keep(last);
  return { outcome: ok(value), rows: [...rows, ...last] };
}

const lease = fc.constantFrom(0n, ...leaseIds);

describe('what is applied in steps', () => {
  for (const [name, newStore] of storeKinds) {
    it(`comes to the answer, the rows and the state that it comes to at once, on ${name}`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(request, lease), { maxLength: 30, size: 'max' }),
          stepRows,
          (all, sizes) => {
            const one = new Side(newStore);
            const other = new Side(newStore);
            for (const [each, leaseId] of all) {
              if (each.kind === 'put') {
                const put = each.put.ignoreLease ? each.put : { ...each.put, lease: leaseId };
                for (const { machine } of [one, other]) machine.send(CommandKind.put, put);
              } else if (each.kind === 'deleteRange' || each.kind === 'txn') {
                if (each.kind === 'txn' && checkTxn(each.txn, 128) !== undefined) continue;
                assert.deepEqual(inSteps(other, each, sizes), atOnce(one, each));
              }
              assert.deepEqual(other.state(), one.state());
            }
          },
        ),
        { numRuns: 200 },
      );
    });

    it(`revokes and expires leases alike, on ${name}`, () => {
      const keys = fc.array(fc.tuple(fc.nat(12), lease), { maxLength: 40, size: 'max' });
      fc.assert(
        fc.property(keys, fc.boolean(), stepRows, (puts, isExpiry, sizes) => {
          const [one, other] = [new Side(newStore), new Side(newStore)];
          for (const [n, leaseId] of puts) {
            const put = PutRequest.create({ key: utf8(`k${n}`), value: utf8('1'), lease: leaseId });
            for (const { machine } of [one, other]) machine.send(CommandKind.put, put);
          }
          const position = { index: 1, term: 7 };
          const view = { store: other.test.store, leases: other.leases };
          const ids = [2n, 1n, 2n, 9n];
          const steps = isExpiry
            ? leaseExpiryInSteps(view, { term: 7, ids }, position)
            : leaseRevokeInSteps(view, { id: 1n });
          const { rows, value } = take(steps, sizes, other.test.keep);
          other.test.keep(value.rows);
          const whole = { store: one.test.store, leases: one.leases };
          const applied = isExpiry
            ? applyLeaseExpiry(whole, { term: 7, ids }, position)
            : applyLeaseRevoke(whole, { id: 1n });
          one.test.keep(applied.rows);
          assert.deepEqual({ ...value, rows: [...rows, ...value.rows] }, applied);
          assert.deepEqual(other.state(), one.state());
        }),
        { numRuns: 100 },
      );
    });

    it(`reads at one revision, whatever is written between the steps, on ${name}`, () => {
      const reads = fc.record({
        holds: fc.boolean(),
        success: fc.array(rangeRequest, { maxLength: 4 }),
        failure: fc.array(rangeRequest, { maxLength: 4 }),
      });
      fc.assert(
        fc.property(
          fc.array(request, { maxLength: 20, size: 'max' }),
          reads,
          stepRows,
          (before, asked, sizes) => {
            const side = new Side(newStore);
            for (const one of before)
              if (one.kind === 'put') side.machine.send(CommandKind.put, one.put);
            const compare = {
              key: Uint8Array.of(0),
              rangeEnd: Uint8Array.of(0),
              target: CompareTarget.VERSION,
              result: asked.holds ? CompareResult.GREATER : CompareResult.EQUAL,
              targetUnion: { case: 'version' as const, value: 0 },
            };
            const op = (value: (typeof asked.success)[number]) =>
              ({ request: { case: 'requestRange', value } }) as const;
            const txn = TxnRequest.create({
              compare: [compare],
              success: asked.success.map(op),
              failure: asked.failure.map(op),
            });
            const { store } = side.test;
            const expected = evaluateReadTxn(store, txn);
            let written = 0;
            const { value } = take(readTxnInSteps(store, txn), sizes, () => {
              const put = { key: Uint8Array.of(0x61, written), value: utf8('later') };
              if (written++ % 2 === 0) side.machine.put({ key: 'a', value: 'later' });
              else side.machine.send(CommandKind.put, PutRequest.create(put));
            });
            assert.deepEqual(value, expected);
          },
        ),
        { numRuns: 100 },
      );
    });
  }

  it('is sorted as at once, and stably', () => {
    const item = fc.tuple(fc.nat(30), fc.nat());
    fc.assert(
      fc.property(fc.array(item, { maxLength: 2000, size: 'max' }), stepRows, (items, sizes) => {
        const order = (a: readonly number[], b: readonly number[]): number =>
          (a[0] ?? 0) - (b[0] ?? 0);
        const steps: Steps<readonly (readonly number[])[]> = sortInSteps(items, order);
        const { value } = take(steps, sizes, () => undefined);
        assert.deepEqual(value, items.toSorted(order));
      }),
      { numRuns: 30 },
    );
  });
});
