import assert from 'node:assert/strict';
import { checkDeleteRange, checkPut, checkRange, checkRangeStream } from '../../src/apply/check.ts';
import { SortOrder, SortTarget } from '../../src/wire/kv.ts';
import { del, put, range } from './harness.ts';

// etcd server/etcdserver/api/v3rpc/key.go, with its words.
describe('checks of single requests', () => {
  it('a key must be given', () => {
    const refused = { code: 3, text: 'etcdserver: key is not provided' };
    assert.deepEqual(checkRange(range({ rangeEnd: 'b' })), refused);
    assert.deepEqual(checkRangeStream(range({})), refused);
    assert.deepEqual(checkPut(put({ value: 'v' })), refused);
    assert.deepEqual(checkDeleteRange(del({ rangeEnd: '\0' })), refused);
  });

  it('a key alone is enough, and any byte is one', () => {
    assert.equal(checkRange(range({ key: '\0' })), undefined);
    assert.equal(checkPut(put({ key: 'a' })), undefined);
    assert.equal(checkDeleteRange(del({ key: 'a' })), undefined);
  });

  it('a range is sorted by what etcd knows', () => {
    const refused = { code: 3, text: 'etcdserver: invalid sort option' };
    assert.equal(checkRange(range({ key: 'a', sortTarget: SortTarget.VALUE })), undefined);
    assert.deepEqual(checkRange(range({ key: 'a', sortTarget: 5 })), refused);
    assert.deepEqual(checkRange(range({ key: 'a', sortTarget: -1 })), refused);
    assert.deepEqual(checkRange(range({ key: 'a', sortOrder: 3 })), refused);
  });

  it('a put keeps its value or its lease only when it brings none', () => {
    const value = { code: 3, text: 'etcdserver: value is provided' };
    const lease = { code: 3, text: 'etcdserver: lease is provided' };
    assert.deepEqual(checkPut(put({ key: 'a', ignoreValue: true, value: 'v' })), value);
    assert.deepEqual(checkPut(put({ key: 'a', ignoreLease: true, lease: 1n })), lease);
    assert.equal(checkPut(put({ key: 'a', ignoreValue: true, ignoreLease: true })), undefined);
    assert.equal(checkPut(put({ key: 'a', ignoreValue: true, lease: 1n })), undefined);
  });

  it('a range stream comes in key order and unfiltered', () => {
    const sorted = {
      code: 12,
      text: 'RangeStream does not support custom sort orders',
    };
    const filtered = { code: 12, text: 'RangeStream does not support revision filters' };
    const { ASCEND, DESCEND } = SortOrder;
    assert.deepEqual(checkRangeStream(range({ key: 'a', sortOrder: DESCEND })), sorted);
    assert.deepEqual(
      checkRangeStream(range({ key: 'a', sortTarget: 1, sortOrder: ASCEND })),
      sorted,
    );
    assert.deepEqual(checkRangeStream(range({ key: 'a', minModRevision: 1 })), filtered);
    assert.deepEqual(checkRangeStream(range({ key: 'a', maxCreateRevision: -1 })), filtered);
    assert.equal(checkRangeStream(range({ key: 'a', sortOrder: ASCEND })), undefined);
    assert.equal(checkRangeStream(range({ key: 'a', sortTarget: 1 })), undefined, 'no order');
  });
});
