import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { InvariantError } from '../../src/base/assert.ts';
import { compareBytes, hex, utf8 } from '../../src/base/bytes.ts';
import { Slab } from '../../src/base/slab.ts';
import { decodeRowKey, encodeRowKey } from '../../src/mvcc/revision.ts';
import { decodeRowHead, encodeRow, encodeTombstoneRow } from '../../src/mvcc/row.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';

const revision = fc.maxSafeNat();

describe('row keys', () => {
  it("are etcd's: main, underscore, sub, and a mark on tombstones", () => {
    assert.equal(hex(encodeRowKey(258, 3, false)), '00000000000001025f0000000000000003');
    assert.equal(hex(encodeRowKey(258, 3, true)), '00000000000001025f000000000000000374');
  });

  it('come back as they went, and sort by main, then sub', () => {
    const pair = fc.tuple(revision, revision, fc.boolean());
    fc.assert(
      fc.property(pair, pair, ([main, sub, isTombstone], [otherMain, otherSub]) => {
        const rowKey = encodeRowKey(main, sub, isTombstone);
        assert.deepEqual(decodeRowKey(rowKey), { main, sub, isTombstone });
        const order = compareBytes(rowKey, encodeRowKey(otherMain, otherSub, isTombstone));
        assert.equal(Math.sign(order), Math.sign(main - otherMain || sub - otherSub));
      }),
    );
  });

  it('are refused when they are none', () => {
    const rowKey = encodeRowKey(1, 1, true);
    assert.throws(() => decodeRowKey(rowKey.subarray(1)), InvariantError);
    assert.throws(() => decodeRowKey(rowKey.with(17, 0)), InvariantError);
    assert.throws(() => decodeRowKey(rowKey.with(8, 0)), InvariantError);
    assert.throws(() => decodeRowKey(rowKey.with(0, 0xff)), InvariantError);
  });
});

describe('row values', () => {
  const memory = new Slab(4096);

  it('are the bytes that the table-driven codec of mvccpb.KeyValue writes', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    const lease = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(bytes, bytes, revision, revision, revision, lease, (key, value, ...numbers) => {
        const [createRevision, modRevision, version, leaseId] = numbers;
        const fields = { createRevision, modRevision, version, lease: leaseId };
        const row = encodeRow(key, value, fields, memory);
        assert.equal(hex(row), hex(KeyValue.encode({ key, value, ...fields })));
        const head = decodeRowHead(row);
        assert.deepEqual(head, { key, ...fields });
      }),
    );
  });

  it('of a tombstone are its key alone', () => {
    assert.deepEqual(encodeTombstoneRow(utf8('k')), KeyValue.encode({ key: utf8('k') }));
  });
});
