import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Leases } from '../../src/lease/leases.ts';
import { Lessor, spreadLeasesPerSecond, type LessorStart } from '../../src/lease/lessor.ts';
import { Spread } from '../../src/lease/spread.ts';

/** The clock of one leader: when leases end, and what may prolong them. Times are milliseconds, TTLs seconds. */

const limits = { leasesMax: 100, keysMax: 1000 };
const start: LessorStart = { nowMs: 50_000, extendMs: 1000, checkpointIntervalMs: undefined };

function leasesOf(...ttls: readonly number[]): Leases {
  const leases = Leases.load([]);
  for (const [i, ttl] of ttls.entries()) leases.grant(BigInt(i + 1), ttl);
  return leases;
}

function promoted(leases: Leases, more: Partial<LessorStart> = {}): Lessor {
  const lessor = new Lessor(leases, { ...start, ...more });
  while (!lessor.promoteSome());
  return lessor;
}

function grant(leases: Leases, lessor: Lessor, id: bigint, ttl: number, nowMs: number): void {
  leases.grant(id, ttl);
  lessor.granted({ id, grantedTtl: ttl, remainingTtl: 0 }, nowMs);
}

/** As the log would: the lease is gone, and the leader told. */
function revoke(leases: Leases, lessor: Lessor, id: bigint): boolean {
  leases.revoke(id);
  return lessor.revoked(id);
}

describe('the clock of a leader', () => {
  it('gives leases of earlier terms their whole TTL and an election timeout (etcd #13294)', () => {
    const lessor = promoted(leasesOf(10, 5));
    assert.equal(lessor.nextExpiryMs, 56_000);
    assert.deepEqual(lessor.takeExpired(55_999, limits), []);
    assert.deepEqual(lessor.takeExpired(56_000, limits), [2n]);
    assert.equal(lessor.remaining(1n, 56_000), 5);
    assert.equal(lessor.nextExpiryMs, 61_000);
  });

  it('lets nothing expire before all leases have a deadline', () => {
    const leases = leasesOf(...Array.from({ length: 500 }, () => 2));
    const lessor = new Lessor(leases, start);
    assert.equal(lessor.promoteSome(), false);
    assert.equal(lessor.nextExpiryMs, undefined);
    assert.deepEqual(lessor.takeExpired(1_000_000, limits), []);
    assert.equal(lessor.remaining(500n, 50_000), 2, 'one that has no deadline yet');
    assert.equal(lessor.inOrder(), undefined, 'no order before all have a deadline');
    assert.deepEqual(lessor.renew(500n, 60_000), { type: 'renewed', ttl: 2 });
    grant(leases, lessor, 501n, 2, 60_000);
    while (!lessor.promoteSome());
    assert.equal(lessor.remaining(500n, 60_000), 2, 'a renewal meanwhile counts');
    assert.equal(lessor.remaining(501n, 60_000), 2, 'and so does a grant');
    assert.equal(lessor.nextExpiryMs, 53_000);
  });

  it('begins the TTL anew at every renewal', () => {
    const leases = leasesOf(10);
    const lessor = promoted(leases);
    assert.deepEqual(lessor.renew(1n, 51_500), { type: 'renewed', ttl: 10 });
    assert.equal(lessor.nextExpiryMs, 61_500);
    assert.equal(lessor.remaining(1n, 51_500), 10);
    assert.equal(lessor.remaining(1n, 51_501), 9, 'seconds are rounded down, as etcd does');
    assert.equal(lessor.remaining(1n, 70_000), 0, 'never negative');
  });

  it('takes nothing of the extended time by a renewal: the leader before may have renewed it later (I33)', () => {
    const leases = leasesOf(10, 10);
    const lessor = new Lessor(leases, start);
    assert.deepEqual(lessor.renew(1n, 50_200), { type: 'renewed', ttl: 10 });
    while (!lessor.promoteSome());
    assert.deepEqual(lessor.renew(2n, 50_900), { type: 'renewed', ttl: 10 });
    assert.deepEqual(lessor.takeExpired(60_999, limits), []);
    assert.equal(lessor.takeExpired(61_000, limits).length, 2);
  });

  it('renews no lease whose expiry is decided, nor one that is not there', () => {
    const leases = leasesOf(10);
    const lessor = promoted(leases);
    assert.deepEqual(lessor.renew(7n, 50_000), { type: 'unknown' });
    assert.deepEqual(lessor.takeExpired(61_000, limits), [1n]);
    assert.deepEqual(lessor.renew(1n, 61_000), { type: 'expiring' });
    assert.equal(lessor.remaining(1n, 61_000), 0);
    assert.deepEqual(lessor.takeExpired(90_000, limits), [], 'it is decided once');
    assert.deepEqual([...(lessor.inOrder() ?? [])], [1n]);
    assert.equal(revoke(leases, lessor, 1n), true, 'it went by this decision');
    assert.deepEqual(lessor.renew(1n, 61_000), { type: 'unknown' });
    assert.equal(lessor.remaining(1n, 61_000), undefined);
  });

  it('takes a lease back whose expiry was refused', () => {
    const lessor = promoted(leasesOf(10));
    const ids = lessor.takeExpired(61_000, limits);
    lessor.spare(ids, 66_000);
    assert.equal(lessor.nextExpiryMs, 66_000);
    assert.deepEqual(lessor.renew(1n, 62_000), { type: 'renewed', ttl: 10 });
    assert.deepEqual(lessor.takeExpired(66_000, limits), []);
  });

  it('forgets a lease that a client revoked', () => {
    const leases = leasesOf(10);
    const lessor = promoted(leases);
    assert.equal(revoke(leases, lessor, 1n), false);
    assert.equal(lessor.nextExpiryMs, undefined);
    assert.deepEqual([...(lessor.inOrder() ?? [0n])], []);
  });

  it('expires in portions, bounded by leases and by keys, but one lease at least', () => {
    const leases = leasesOf(2, 2, 2, 2);
    for (let key = 0; key < 10; key++) leases.attach(Uint8Array.of(1, key), 1n);
    leases.attach(Uint8Array.of(2), 2n);
    const lessor = promoted(leases);
    const taken: number[] = [];
    for (let ids = lessor.takeExpired(60_000, { leasesMax: 2, keysMax: 5 }); ids.length > 0;) {
      taken.push(ids.length);
      ids = lessor.takeExpired(60_000, { leasesMax: 2, keysMax: 5 });
    }
    assert.equal(
      taken.reduce((a, b) => a + b, 0),
      4,
    );
    assert.ok(taken.every((count) => count <= 2));
    assert.ok(taken.length >= 3, 'the lease with ten keys fills a portion');
  });
});

describe('what a leader writes down of leases (etcd LeaseCheckpoint)', () => {
  const checkpointIntervalMs = 300_000;

  it('is due every interval, for leases that last longer', () => {
    const leases = leasesOf(3600, 300);
    const lessor = promoted(leases, { nowMs: 0, extendMs: 0, checkpointIntervalMs });
    assert.equal(lessor.nextCheckpointMs, 300_000);
    assert.deepEqual(lessor.takeCheckpoints(299_999, 10), []);
    assert.deepEqual(lessor.takeCheckpoints(300_000, 10), [{ id: 1n, remainingTtl: 3300 }]);
    assert.equal(lessor.nextCheckpointMs, 600_000);
    assert.deepEqual(lessor.takeCheckpoints(600_500, 10), [{ id: 1n, remainingTtl: 3000 }]);
  });

  it('is not for leases that are kept alive', () => {
    const lessor = promoted(leasesOf(3600), { nowMs: 0, checkpointIntervalMs });
    assert.equal(lessor.renew(1n, 299_000).type, 'renewed');
    assert.deepEqual(lessor.takeCheckpoints(300_000, 10), []);
    assert.equal(lessor.nextCheckpointMs, 599_000);
  });

  it('has to be cleared before a renewal, from the moment it is proposed', () => {
    const lessor = promoted(leasesOf(3600), { nowMs: 0, extendMs: 0, checkpointIntervalMs });
    assert.equal(lessor.takeCheckpoints(300_000, 10).length, 1);
    assert.deepEqual(lessor.renew(1n, 300_001), { type: 'checkpointed' });
    lessor.cleared(1n);
    assert.deepEqual(lessor.renew(1n, 300_002), { type: 'renewed', ttl: 3600 });
  });

  it('is what the next leader begins with, and it has to be cleared there too, gate or no gate', () => {
    const leases = leasesOf(3600);
    leases.checkpoint(1n, 60);
    const lessor = promoted(leases, { nowMs: 0, extendMs: 1000 });
    assert.equal(lessor.nextExpiryMs, 61_000);
    assert.deepEqual(lessor.renew(1n, 1000), { type: 'checkpointed' });
    leases.checkpoint(1n, 0);
    assert.deepEqual(lessor.renew(1n, 1000), { type: 'renewed', ttl: 3600 });
    assert.equal(lessor.nextExpiryMs, 3_601_000);
  });
});

describe('many leases at a change of leader', () => {
  it('end at most 750 in a second when there are 1000 or more, and none early', () => {
    const count = 5000;
    const leases = leasesOf(...Array.from({ length: count }, () => 60));
    const lessor = promoted(leases, { nowMs: 0, extendMs: 1000 });
    assert.deepEqual(lessor.takeExpired(60_999, { leasesMax: count, keysMax: count }), []);
    let left = count;
    for (let second = 61; left > 0; second++) {
      const nowMs = second * 1000 + 999;
      const ended = lessor.takeExpired(nowMs, { leasesMax: count, keysMax: count }).length;
      assert.equal(ended, Math.min(left, spreadLeasesPerSecond));
      left -= ended;
    }
  });

  it('are left as they are when there are fewer', () => {
    const lessor = promoted(leasesOf(...Array.from({ length: 999 }, () => 60)), { nowMs: 0 });
    assert.equal(lessor.takeExpired(61_000, { leasesMax: 2000, keysMax: 1 }).length, 999);
  });

  it('are spread in any order: never early, never more than fit, never later than all full seconds', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(moments, fc.integer({ min: 1, max: 7 }), (asked, perSecondMax) => {
        const spread = new Spread(perSecondMax);
        const counts = new Map<number, number>();
        for (const dueMs of asked) {
          const placed = spread.place(dueMs);
          assert.ok(placed >= dueMs);
          const from = Math.floor(dueMs / 1000);
          const second = Math.floor(placed / 1000);
          for (let full = from; full < second; full++) {
            assert.equal(counts.get(full), perSecondMax, 'it was moved past a second with room');
          }
          counts.set(second, (counts.get(second) ?? 0) + 1);
        }
        for (const count of counts.values()) assert.ok(count <= perSecondMax);
      }),
    );
  });
});
