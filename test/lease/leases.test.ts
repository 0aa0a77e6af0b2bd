import assert from 'node:assert/strict';
import { InvariantError } from '../../src/base/assert.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { AttachedKeys } from '../../src/lease/attached-keys.ts';
import { Leases } from '../../src/lease/leases.ts';
import { decodeLeaseRow, encodeLeaseKey, encodeLeaseRow } from '../../src/lease/record.ts';

describe('rows of leases', () => {
  for (const id of [1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    it(`hold id ${id} exactly (I36)`, () => {
      const lease = { id, grantedTtl: 9_000_000_000, remainingTtl: 5 };
      assert.deepEqual(decodeLeaseRow(encodeLeaseKey(id), encodeLeaseRow(lease)), lease);
    });
  }

  it('are refused when they are another lease’s, or none', () => {
    const lease = encodeLeaseRow({ id: 1n, grantedTtl: 1, remainingTtl: 0 });
    assert.throws(() => decodeLeaseRow(encodeLeaseKey(2n), lease), InvariantError);
    assert.throws(() => decodeLeaseRow(encodeLeaseKey(1n).subarray(1), lease), InvariantError);
    const none = encodeLeaseRow({ id: 1n, grantedTtl: 0, remainingTtl: 0 });
    assert.throws(() => decodeLeaseRow(encodeLeaseKey(1n), none), InvariantError);
  });
});

describe('keys of leases', () => {
  it('belong to one lease at a time, and are told in byte order', () => {
    const leases = Leases.load([]);
    leases.grant(1n, 10);
    leases.grant(2n, 10);
    const [a, b] = [utf8('a'), Uint8Array.of(0xff)];
    leases.attach(b, 1n);
    leases.attach(a, 1n);
    assert.deepEqual(leases.keysOf(1n), [a, b]);
    leases.attach(a, 2n);
    assert.deepEqual([leases.keysOf(1n), leases.keysOf(2n)], [[b], [a]]);
    leases.attach(a, 0n);
    assert.deepEqual([leases.leaseOf(a), leases.keyCountOf(2n)], [0n, 0]);
    leases.detach(b);
    assert.equal(leases.keyCountOf(1n), 0);
  });

  it('are copied: the bytes of a request may be used again', () => {
    const attached = new AttachedKeys();
    const key = utf8('k');
    attached.set(key, 1n);
    key[0] = 0;
    assert.deepEqual(attached.keysOf(1n), [utf8('k')]);
  });

  it('cannot belong to a lease that is not there, nor outlive theirs (I34)', () => {
    const leases = Leases.load([]);
    assert.throws(() => leases.attach(utf8('a'), 1n), InvariantError);
    leases.grant(1n, 10);
    assert.throws(() => leases.grant(1n, 10), InvariantError);
    leases.attach(utf8('a'), 1n);
    assert.throws(() => leases.revoke(1n), InvariantError);
    const orphan = new AttachedKeys();
    orphan.set(utf8('a'), 1n);
    assert.throws(() => Leases.load([], orphan), InvariantError);
  });
});
