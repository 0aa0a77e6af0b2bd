import assert from 'node:assert/strict';
import { checkTxn, nestedOpsMax } from '../../src/apply/check-txn.ts';
import { TxnRequest, type RequestOp } from '../../src/wire/kv.ts';
import { compare, delOp, putOp, rangeOp, txnOp } from './harness.ts';

const opsMax = 128;
const check = (fields: Partial<TxnRequest>) => checkTxn(TxnRequest.create(fields), opsMax);
const many = (count: number, make: (i: number) => RequestOp) =>
  Array.from({ length: count }, (_, i) => make(i));
const tooMany = { code: 3, text: 'etcdserver: too many operations in txn request' };
const duplicate = { code: 3, text: 'etcdserver: duplicate key given in txn request' };
const emptyKey = { code: 3, text: 'etcdserver: key is not provided' };

describe('checks of a transaction', () => {
  it('each list of a level holds at most as many operations as allowed', () => {
    const gets = (count: number) => many(count, () => rangeOp({ key: 'a' }));
    assert.equal(check({ success: gets(128), failure: gets(128) }), undefined);
    assert.deepEqual(check({ success: gets(129) }), tooMany);
    assert.deepEqual(check({ failure: gets(129) }), tooMany);
    assert.deepEqual(
      check({ compare: Array.from({ length: 129 }, () => compare({ key: 'a' })) }),
      tooMany,
    );
  });

  it('a nested transaction has what its parent left, counted by the longest list', () => {
    const nested = (count: number) => txnOp({ success: many(count, () => rangeOp({ key: 'a' })) });
    assert.equal(check({ success: [nested(127)] }), undefined);
    assert.deepEqual(check({ success: [nested(128)] }), tooMany);
    assert.equal(
      check({ success: [nested(126), nested(126)] }),
      undefined,
      'siblings do not add up',
    );
    assert.deepEqual(
      check({ success: [nested(127)], failure: many(2, () => rangeOp({ key: 'a' })) }),
      tooMany,
    );
  });

  it('nesting is bounded by the operations allowed', () => {
    const nest = (depth: number): TxnRequest =>
      TxnRequest.create(
        depth === 0
          ? {}
          : { success: [{ request: { case: 'requestTxn', value: nest(depth - 1) } }] },
      );
    assert.equal(check(nest(128)), undefined);
    assert.deepEqual(check(nest(129)), tooMany);
  });

  it('all nested operations together are bounded, which etcd does not do', () => {
    const gets = many(60, () => rangeOp({ key: 'a' }));
    const nested = many(4, () => txnOp({ success: many(60, () => txnOp({ success: gets })) }));
    const operations = 4 * 60 * 61;
    assert.ok(operations < nestedOpsMax);
    assert.equal(check({ success: nested }), undefined);
    assert.deepEqual(check({ success: [...nested, ...nested] }), tooMany);
  });

  it('keys must be given, in compares and in operations however deep', () => {
    assert.deepEqual(check({ compare: [compare({})] }), emptyKey);
    assert.deepEqual(check({ failure: [putOp({ value: 'v' })] }), emptyKey);
    assert.deepEqual(
      check({ success: [txnOp({ failure: [delOp({ rangeEnd: 'z' })] })] }),
      emptyKey,
    );
  });

  it('an operation that is none is refused as a key that is not found', () => {
    const refused = { code: 3, text: 'etcdserver: key not found' };
    assert.deepEqual(check({ success: [{ request: undefined }] }), refused);
    assert.deepEqual(check({ success: [txnOp({ failure: [{ request: undefined }] })] }), refused);
  });

  it('the first thing wrong is what is said', () => {
    const bad = [putOp({ key: 'a', ignoreValue: true, value: 'v' }), putOp({})];
    assert.equal(check({ success: bad })?.text, 'etcdserver: value is provided');
    assert.deepEqual(check({ compare: [compare({})], success: bad }), emptyKey);
  });
});

describe('writes of a transaction that collide', () => {
  const a = putOp({ key: 'a' });
  const b = putOp({ key: 'b' });
  const deleteAll = delOp({ key: 'a', rangeEnd: 'z' });
  const then = (...success: RequestOp[]) => txnOp({ success });
  const otherwise = (...failure: RequestOp[]) => txnOp({ failure });
  const cases: readonly (readonly [string, readonly RequestOp[], boolean])[] = [
    ['two puts of a key', [a, a], true],
    ['puts of two keys', [a, b], false],
    ['a put and a delete of its key, in either order', [a, delOp({ key: 'a' })], true],
    ['a delete and a put of its key', [delOp({ key: 'a' }), a], true],
    ['a put within a deleted range', [b, deleteAll], true],
    ['a put at the end of a deleted range', [b, delOp({ key: 'a', rangeEnd: 'b' })], false],
    ['a put right above a deleted key', [putOp({ key: 'a\0' }), delOp({ key: 'a' })], false],
    ['deletes that overlap', [deleteAll, deleteAll, delOp({ key: 'b' })], false],
    [
      'a delete to the end of the key space, as etcd reads it here',
      [b, delOp({ key: 'a', rangeEnd: '\0' })],
      false,
    ],
    ['a deleted range that ends before it starts', [b, delOp({ key: 'c', rangeEnd: 'a' })], false],
    ['ranges with anything', [a, rangeOp({ key: 'a' }), rangeOp({ key: 'a' })], false],
    ['a put and a nested put of its key', [a, then(a)], true],
    ['a nested put and then a put of its key', [then(a), a], true],
    ['a put and a put nested twice', [then(then(a)), a], true],
    ['puts of two nested transactions', [then(a), then(a)], true],
    ['puts of the two branches of one', [txnOp({ success: [a], failure: [a] })], false],
    ['those and one more beside them', [txnOp({ success: [a], failure: [a] }), a], true],
    ['those and one more nested', [txnOp({ success: [a], failure: [a] }), otherwise(a)], true],
    [
      'a delete and a put of the two branches of one',
      [txnOp({ success: [a], failure: [deleteAll] })],
      false,
    ],
    ['a nested put and a delete', [then(b), deleteAll], true],
    ['a put and a nested delete, in either order', [b, then(deleteAll)], true],
    ['a nested delete and a put', [then(deleteAll), b], true],
    ['a nested delete and a put nested later', [then(deleteAll), then(b)], true],
    ['a nested put and a delete nested later', [then(b), then(deleteAll)], false],
    ['a delete nested in the other branch, and a put', [otherwise(deleteAll), then(b)], true],
  ];
  for (const [what, operations, collides] of cases) {
    it(`${what}: ${collides ? 'refused' : 'accepted'}`, () => {
      const expected = collides ? duplicate : undefined;
      assert.deepEqual(check({ success: operations }), expected);
      assert.deepEqual(check({ failure: operations }), expected);
    });
  }

  it('the two branches of the request itself never collide', () => {
    assert.equal(check({ success: [a, b], failure: [a, delOp({ key: 'b' })] }), undefined);
  });

  it('is found in reasonable time among as many writes as may be nested', () => {
    const puts = (salt: number) => many(40, (i) => putOp({ key: `${(i * 7919) % 101}.${salt}` }));
    const deletes = (salt: number) =>
      many(40, (i) => delOp({ key: `x${(i * 7919) % 101}.${salt}` }));
    const nested = many(64, (i) =>
      then(then(...puts(i)), then(then(...deletes(i)), then(...puts(i + 1000)))),
    );
    // CPU time: others may be at work beside it.
    const before = process.cpuUsage();
    assert.equal(check({ success: nested }), undefined);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 1_000_000);
  });
});
