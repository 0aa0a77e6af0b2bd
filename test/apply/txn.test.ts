import assert from 'node:assert/strict';
import { evaluateReadTxn, isReadOnlyTxn, isSerializableTxn } from '../../src/apply/txn.ts';
import { utf8 } from '../../src/base/bytes.ts';
import {
  CompareResult,
  CompareTarget,
  TxnRequest,
  type Compare,
  type ResponseOp,
} from '../../src/wire/kv.ts';
import {
  compare,
  delOp,
  Machine,
  putOp,
  rangeOp,
  refusal,
  show,
  txnOp,
  value,
  granted,
} from './harness.ts';
import { storeKinds } from './stores.ts';

const { EQUAL, GREATER, LESS, NOT_EQUAL } = CompareResult;
const { VERSION, CREATE, MOD, VALUE, LEASE } = CompareTarget;

/** A response as a line: what a reader of a transcript would want to see. */
function line({ response }: ResponseOp): string {
  switch (response?.case) {
    case 'responseRange':
      return `range@${response.value.header?.revision} ${response.value.kvs.map(show).join(', ')}`;
    case 'responsePut':
      return `put@${response.value.header?.revision}`;
    case 'responseDeleteRange':
      return `deleted@${response.value.header?.revision} ${response.value.deleted}`;
    case 'responseTxn': {
      const { header, succeeded, responses } = response.value;
      return `txn@${header?.revision} ${succeeded} [${responses.map(line).join('; ')}]`;
    }
    default:
      return 'none';
  }
}

// etcd server/etcdserver/txn/txn.go.
for (const [name, newStore] of storeKinds) {
  describe(`Txn on ${name}`, () => {
    const run = (machine: Machine, fields: Partial<TxnRequest>) => {
      const response = value(machine.txn(fields));
      return [response.header?.revision, response.succeeded, response.responses.map(line)];
    };

    it('all its writes share one revision, and its reads see those before them', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a', value: '0' });
      const a = rangeOp({ key: 'a', rangeEnd: 'c' });
      const success = [a, putOp({ key: 'a', value: '1' }), a, putOp({ key: 'b', value: '1' }), a];
      assert.deepEqual(run(machine, { success }), [
        3,
        true,
        [
          'range@2 a=0 2/2/1',
          'put@3',
          'range@3 a=1 2/3/2',
          'put@3',
          'range@3 a=1 2/3/2, b=1 3/3/1',
        ],
      ]);
      assert.equal(machine.store.revision, 3);
      assert.equal(machine.last?.rows.length, 2);
    });

    it('an explicit revision within it is read as it was before it', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a', value: '0' });
      const success = [putOp({ key: 'a', value: '1' }), rangeOp({ key: 'a', revision: 2 })];
      assert.deepEqual(run(machine, { success }), [3, true, ['put@3', 'range@3 a=0 2/2/1']]);
    });

    it('without a change it takes no revision', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a' });
      const success = [delOp({ key: 'x' }), rangeOp({ key: 'x' })];
      assert.deepEqual(run(machine, { success }), [2, true, ['deleted@2 0', 'range@2 ']]);
      assert.deepEqual(run(machine, {}), [2, true, []]);
      assert.equal(machine.store.revision, 2);
    });

    it('takes the failure branch when one condition does not hold', () => {
      const machine = new Machine(newStore());
      const missing = compare({ key: 'a', target: VERSION, result: GREATER });
      const request = { compare: [missing], success: [], failure: [putOp({ key: 'a' })] };
      assert.deepEqual(run(machine, request), [2, false, ['put@2']]);
      assert.deepEqual(run(machine, request), [2, true, []]);
    });

    it('a delete between two nested writes is seen by what follows', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a' });
      machine.put({ key: 'b' });
      const all = rangeOp({ key: 'a', rangeEnd: '\0', keysOnly: true });
      const success = [
        txnOp({ success: [putOp({ key: 'c' })] }),
        delOp({ key: 'a', rangeEnd: 'c' }),
        txnOp({ success: [all] }),
      ];
      assert.deepEqual(run(machine, { success }), [
        4,
        true,
        ['txn@0 true [put@4]', 'deleted@4 2', 'txn@0 true [range@4 c= 4/4/1]'],
      ]);
    });

    it('decides the conditions of the whole tree on the state before it', () => {
      const machine = new Machine(newStore());
      const isThere = compare({ key: 'a', target: VERSION, result: GREATER });
      const success = [
        putOp({ key: 'a' }),
        txnOp({
          compare: [isThere],
          success: [putOp({ key: 'then' })],
          failure: [txnOp({ compare: [isThere], failure: [putOp({ key: 'else' })] })],
        }),
      ];
      assert.deepEqual(run(machine, { success }), [
        2,
        true,
        ['put@2', 'txn@0 false [txn@0 false [put@2]]'],
      ]);
    });

    it('checks every operation before it carries out the first', () => {
      const machine = new Machine(newStore());
      for (let i = 0; i < 3; i++) machine.put({ key: 'a' });
      value(machine.compact(3));
      const refused = (...operations: TxnRequest['success']) =>
        refusal(machine.txn({ success: [putOp({ key: 'b' }), txnOp({ success: operations })] }))
          .text;
      const compacted = 'etcdserver: mvcc: required revision has been compacted';
      assert.equal(refused(rangeOp({ key: 'a', revision: 2 })), compacted);
      assert.equal(
        refused(rangeOp({ key: 'a', revision: -1 })),
        compacted,
        'negative is not newest',
      );
      assert.equal(
        refused(rangeOp({ key: 'a', revision: 5 })),
        'etcdserver: mvcc: required revision is a future revision',
        'although the transaction would be that revision',
      );
      assert.equal(
        refused(putOp({ key: 'c', lease: 9n })),
        'etcdserver: requested lease not found',
      );
      assert.equal(refused(putOp({ key: 'c', ignoreValue: true })), 'etcdserver: key not found');
      assert.equal(machine.store.revision, 4);
      assert.deepEqual(machine.last?.rows, []);
    });

    it('checks only the branches that it takes', () => {
      const machine = new Machine(newStore());
      const failure = [rangeOp({ key: 'a', revision: 99 }), putOp({ key: 'b', lease: 1n })];
      assert.deepEqual(run(machine, { success: [], failure }), [1, true, []]);
    });

    it('reads -1 on a store never compacted, since that is where it stands', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a' });
      const success = [rangeOp({ key: 'a', revision: -1 }), delOp({ key: 'x' })];
      assert.deepEqual(run(machine, { success }), [2, true, ['range@2 a= 2/2/1', 'deleted@2 0']]);
      const further = { success: [rangeOp({ key: 'a', revision: -2 })] };
      assert.equal(refusal(machine.txn(further)).code, 11);
    });

    it('keeps the value of a version written before it', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'a', value: 'v' });
      const success = [putOp({ key: 'a', ignoreValue: true, prevKv: true }), rangeOp({ key: 'a' })];
      assert.deepEqual(run(machine, { success }), [3, true, ['put@3', 'range@3 a=v 2/3/2']]);
    });

    it('refuses to keep the value of a key that it has deleted, where etcd would panic', () => {
      const machine = new Machine(newStore());
      machine.put({ key: 'b', value: 'v' });
      const success = [delOp({ key: 'a', rangeEnd: '\0' }), putOp({ key: 'b', ignoreValue: true })];
      assert.equal(refusal(machine.txn({ success })).text, 'etcdserver: key not found');
      assert.equal(machine.store.revision, 2);
      const other = [putOp({ key: 'b', ignoreValue: true }), delOp({ key: 'a', rangeEnd: '\0' })];
      assert.deepEqual(run(machine, { success: other }), [3, true, ['put@3', 'deleted@3 1']]);
    });
  });

  describe(`conditions on ${name}`, () => {
    function filled(): Machine {
      const machine = new Machine(newStore(), granted(7n, -3n));
      value(machine.put({ key: 'a', value: 'x' }));
      value(machine.put({ key: 'a', value: 'y', lease: 7n }));
      value(machine.put({ key: 'b', value: 'y', lease: -3n }));
      return machine;
    }
    type Union = Compare['targetUnion'];
    const version = (v: number): Union => ({ case: 'version', value: v });
    const create = (v: number): Union => ({ case: 'createRevision', value: v });
    const mod = (v: number): Union => ({ case: 'modRevision', value: v });
    const text = (v: string): Union => ({ case: 'value', value: utf8(v) });
    const lease = (v: bigint): Union => ({ case: 'lease', value: v });
    type Short = readonly [string, number, number, Union];
    const cases: readonly (readonly [...Short, boolean])[] = [
      ['a', VERSION, EQUAL, version(2), true],
      ['a', VERSION, GREATER, version(2), false],
      ['a', VERSION, NOT_EQUAL, version(1), true],
      ['a', CREATE, EQUAL, create(2), true],
      ['a', MOD, EQUAL, mod(3), true],
      ['a', MOD, LESS, mod(4), true],
      ['a', MOD, LESS, mod(Number.MAX_SAFE_INTEGER), true],
      ['a', MOD, GREATER, mod(-Number.MAX_SAFE_INTEGER), true],
      ['a', VALUE, EQUAL, text('y'), true],
      ['a', VALUE, GREATER, text('x'), true],
      ['a', VALUE, LESS, text('y\0'), true],
      ['a', LEASE, EQUAL, lease(7n), true],
      ['b', LEASE, LESS, lease(-2n), true],
      // Nothing to compare with, or something for another target, is 0 or empty.
      ['a', VERSION, GREATER, undefined, true],
      ['a', MOD, EQUAL, version(3), false],
      ['a', VALUE, GREATER, undefined, true],
      ['a', LEASE, GREATER, mod(9), true],
      // A key that is not there has 0 for every number, and no value that any condition holds for.
      ['x', VERSION, EQUAL, version(0), true],
      ['x', VERSION, EQUAL, undefined, true],
      ['x', CREATE, EQUAL, create(0), true],
      ['x', MOD, LESS, mod(1), true],
      ['x', MOD, LESS, mod(0), false],
      ['x', LEASE, EQUAL, lease(0n), true],
      ['x', LEASE, NOT_EQUAL, lease(1n), true],
      ['x', VALUE, EQUAL, text(''), false],
      ['x', VALUE, NOT_EQUAL, text('z'), false],
      // Numbers of enums that etcd has no name for.
      ['a', VERSION, 9, version(0), true],
      ['x', VALUE, 9, text(''), false],
      ['a', 9, EQUAL, version(7), true],
      ['a', 9, GREATER, undefined, false],
    ];
    for (const [key, target, result, targetUnion, expected] of cases) {
      const shown =
        targetUnion === undefined ? 'unset' : `${targetUnion.case} ${targetUnion.value}`;
      it(`${key}: target ${target}, result ${result}, ${shown}: ${expected}`, () => {
        const request = { compare: [compare({ key, target, result, targetUnion })] };
        assert.equal(value(filled().txn(request)).succeeded, expected);
      });
    }

    it('on a range hold for every key of it; without keys as for one that is not there', () => {
      const machine = filled();
      const test = (fields: Parameters<typeof compare>[0]) =>
        value(machine.txn({ compare: [compare(fields)] })).succeeded;
      const all = { key: 'a', rangeEnd: '\0' };
      assert.equal(test({ ...all, target: VALUE, targetUnion: text('y') }), true);
      assert.equal(test({ ...all, target: VERSION, targetUnion: version(2) }), false);
      assert.equal(test({ ...all, target: MOD, result: GREATER, targetUnion: mod(2) }), true);
      assert.equal(
        test({ key: 'a', rangeEnd: 'b', target: VERSION, targetUnion: version(2) }),
        true,
      );
      const nothing = { key: 'c', rangeEnd: '\0' };
      assert.equal(test({ ...nothing, target: VERSION }), true);
      assert.equal(test({ ...nothing, target: VALUE, result: NOT_EQUAL }), false);
      assert.equal(
        test({ key: 'b', rangeEnd: 'a', target: VERSION }),
        true,
        'an end below the key',
      );
    });

    it('on a range look at all keys, beyond one batch', () => {
      const machine = new Machine(newStore());
      const success = Array.from({ length: 1500 }, (_, i) => putOp({ key: `k${1000 + i}` }));
      value(machine.txn({ success }));
      value(machine.put({ key: 'k2499' }));
      const test = (rangeEnd: string) => {
        const once = compare({ key: 'k', rangeEnd, target: VERSION, targetUnion: version(1) });
        return value(machine.txn({ compare: [once] })).succeeded;
      };
      assert.equal(test('k2499'), true);
      assert.equal(test('l'), false);
    });
  });
}

describe('transactions that only read', () => {
  const get = rangeOp({ key: 'a' });
  const local = rangeOp({ key: 'a', serializable: true });
  const txn = (success: TxnRequest['success'], failure: TxnRequest['failure'] = []) =>
    TxnRequest.create({ success, failure });

  it('hold ranges alone, in both branches, and nothing nested', () => {
    assert.equal(isReadOnlyTxn(txn([])), true);
    assert.equal(isReadOnlyTxn(txn([get], [local])), true);
    assert.equal(isReadOnlyTxn(txn([get], [putOp({ key: 'a' })])), false);
    assert.equal(isReadOnlyTxn(txn([delOp({ key: 'a' })])), false);
    assert.equal(isReadOnlyTxn(txn([txnOp({ success: [get] })])), false);
  });

  it('are answered locally when every range may be; one without operations is', () => {
    assert.equal(isSerializableTxn(txn([])), true);
    assert.equal(isSerializableTxn(txn([local], [local])), true);
    assert.equal(isSerializableTxn(txn([local], [get])), false);
  });

  it('are evaluated without a write transaction', () => {
    for (const [, newStore] of storeKinds) {
      const machine = new Machine(newStore());
      machine.put({ key: 'a', value: '1' });
      const request = txn([get, rangeOp({ key: 'b' })]);
      const response = value(evaluateReadTxn(machine.store, request));
      assert.deepEqual(response.responses.map(line), ['range@2 a=1 2/2/1', 'range@2 ']);
      assert.deepEqual([response.header?.revision, response.succeeded], [2, true]);
      const future = txn([rangeOp({ key: 'a', revision: 3 })]);
      assert.equal(refusal(evaluateReadTxn(machine.store, future)).code, 11);
    }
  });
});
