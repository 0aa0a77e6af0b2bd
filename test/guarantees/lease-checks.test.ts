import assert from 'node:assert/strict';
import { EventHistory, type WatchEvent } from './history.ts';
import {
  checkLeaseIds,
  checkLeases,
  checkNotAgain,
  checkNotEarly,
  checkTogether,
  type LeaseGone,
  type LeaseHistory,
  type LeaseTerm,
} from './lease-checks.ts';

/** The checks of leases: what is true passes, and what is planted is found. */

function grant(id: bigint, beganAtMs: number, ttlSeconds = 5): LeaseTerm {
  return { id, kind: 'grant', beganAtMs, ackedAtMs: beganAtMs + 10, ttlSeconds };
}

function kept(id: bigint, beganAtMs: number, ttlSeconds = 5): LeaseTerm {
  return { ...grant(id, beganAtMs, ttlSeconds), kind: 'keepAlive' };
}

const gone = (id: bigint, seenAtMs: number): LeaseGone => ({ id, seenAtMs, how: 'seen gone' });

function leases(parts: Partial<LeaseHistory>): LeaseHistory {
  return { terms: [], revokes: [], gone: [], ...parts };
}

function put(key: string, modRevision: number, lease: bigint): WatchEvent {
  const kv = { value: 'v', createRevision: modRevision, modRevision, version: 1, lease };
  return { type: 'put', key, kv, prev: undefined };
}

function remove(key: string, modRevision: number): WatchEvent {
  const kv = { value: '', createRevision: 0, modRevision, version: 0, lease: 0n };
  return { type: 'delete', key, kv, prev: undefined };
}

describe('lease guarantees: time', () => {
  it('a lease that ends after the TTL of its last keep-alive passes', () => {
    const terms = [grant(7n, 1000), kept(7n, 4000), kept(7n, 9500, 0)];
    assert.deepEqual(checkLeases(leases({ terms, gone: [gone(7n, 9000)] })), []);
  });

  it('a lease that is revoked may end at once', () => {
    const revokes = [{ id: 7n, beganAtMs: 1500 }];
    assert.deepEqual(
      checkLeases(leases({ terms: [grant(7n, 1000)], revokes, gone: [gone(7n, 1600)] })),
      [],
    );
  });

  it('NotEarly finds a lease that is gone before its TTL', () => {
    assert.equal(
      checkNotEarly(leases({ terms: [grant(7n, 1000)], gone: [gone(7n, 5999)] })).length,
      1,
    );
  });

  it('NotEarly finds a keep-alive that was acknowledged and did nothing', () => {
    const terms = [grant(7n, 1000), kept(7n, 4000)];
    assert.equal(checkNotEarly(leases({ terms, gone: [gone(7n, 6100)] })).length, 1);
  });

  it('NotEarly finds a lease that is gone before anybody revokes it', () => {
    const revokes = [{ id: 7n, beganAtMs: 3000 }];
    const early = leases({ terms: [grant(7n, 1000)], revokes, gone: [gone(7n, 2000)] });
    assert.equal(checkNotEarly(early).length, 1);
  });

  it('NotAgain finds a keep-alive of a lease that was seen gone', () => {
    const terms = [grant(7n, 1000), kept(7n, 7000)];
    assert.equal(checkNotAgain(leases({ terms, gone: [gone(7n, 6500)] })).length, 1);
  });

  it('LeaseIds finds an id that is given twice, and one that is not positive', () => {
    const terms = [grant(7n, 1000), grant(8n, 1000), grant(7n, 2000), grant(-1n, 2000)];
    assert.equal(checkLeaseIds(leases({ terms })).length, 2);
  });
});

describe('lease guarantees: keys', () => {
  const isLeased = (key: string): boolean => key.startsWith('l/');
  const check = (...events: readonly WatchEvent[]): readonly string[] =>
    checkTogether(EventHistory.of(events), isLeased);

  it('keys that go with their lease in one revision pass', () => {
    assert.deepEqual(
      check(put('l/a', 2, 7n), put('l/b', 3, 7n), put('l/c', 4, 8n), ...removed(5, 'l/a', 'l/b')),
      [],
    );
  });

  it('a key that went over to another lease stays', () => {
    assert.deepEqual(
      check(put('l/a', 2, 7n), put('l/b', 3, 7n), put('l/b', 4, 0n), remove('l/a', 5)),
      [],
    );
  });

  it('what nobody saw is held against nobody', () => {
    assert.deepEqual(check(put('l/a', 2, 7n), put('l/b', 3, 7n), remove('l/a', 5)), []);
  });

  it('finds a key that is left behind', () => {
    assert.equal(check(put('l/a', 2, 7n), put('l/b', 3, 7n), remove('l/a', 4)).length, 1);
  });

  it('finds keys that go one after the other', () => {
    const found = check(put('l/a', 2, 7n), put('l/b', 3, 7n), remove('l/a', 4), remove('l/b', 5));
    assert.equal(found.length, 2);
  });

  it('finds a key that is attached to a lease that has ended', () => {
    assert.equal(check(put('l/a', 2, 7n), remove('l/a', 3), put('l/b', 4, 7n)).length, 1);
  });

  function removed(revision: number, ...keys: readonly string[]): readonly WatchEvent[] {
    return keys.map((key) => remove(key, revision));
  }
});
