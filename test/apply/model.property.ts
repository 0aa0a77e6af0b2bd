import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { checkTxn } from '../../src/apply/check-txn.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { Machine } from './harness.ts';
import { Model } from './model.ts';
import { request, type Request } from './arbitraries.ts';
import { storeKinds } from './stores.ts';

/**
 * What the model has no word for: a transaction that keeps the value of a key that it has deleted
 * itself.
 */
const opsMax = 128;

describe('apply against a list of all states', () => {
  for (const [name, newStore] of storeKinds) {
    it(`answers every sequence of requests as the model does, on ${name}`, () => {
      fc.assert(
        fc.property(fc.array(request, { maxLength: 30, size: 'max' }), (requests) => {
          const machine = new Machine(newStore());
          const model = new Model();
          for (const one of requests) {
            const [answered, expected] = run(machine, model, one);
            assert.deepEqual(answered, expected);
            assert.equal(machine.store.revision, model.revision);
          }
        }),
        { numRuns: 300 },
      );
    });
  }

  it('comes to the same rows on every store, whatever was refused', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30, size: 'max' }), (requests) => {
        const machines = storeKinds.map(([, newStore]) => new Machine(newStore()));
        for (const one of requests) {
          const rows = machines.map((machine) => {
            run(machine, new Model(), one);
            return machine.last?.rows.map(({ value }) => value);
          });
          assert.deepEqual(rows[0], rows[1]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function run(machine: Machine, model: Model, one: Request): readonly [unknown, unknown] {
  switch (one.kind) {
    case 'put':
      return [machine.send(CommandKind.put, one.put), model.put(one.put)];
    case 'range':
      return [machine.rangeOf(one.range), model.range(one.range)];
    case 'deleteRange':
      return [machine.send(CommandKind.deleteRange, one.deleteRange), model.del(one.deleteRange)];
    case 'txn': {
      const refused = checkTxn(one.txn, opsMax);
      if (refused !== undefined) return [refused, refused];
      return [machine.send(CommandKind.txn, one.txn), model.txn(one.txn)];
    }
    case 'compact':
      return [machine.compact(one.revision), model.compact(one.revision)];
    default:
      return [undefined, undefined];
  }
}
