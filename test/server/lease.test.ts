import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import { errors } from '../../src/wire/errors.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';
import {
  followerOf,
  grant,
  holds,
  leaderOf,
  listOf,
  msUntilGone,
  putWithLease,
  renew,
  revoke,
  timesOf,
} from './lease-clients.ts';

/** Leases on whole members: who lets them expire, when, and who may prolong them. */

describe('leases', () => {
  for (const size of [1, 3]) {
    it(`expire after their TTL and take their keys along, on ${size}`, async () => {
      const cluster = await MemoryCluster.start(size);
      const leader = leaderOf(cluster);
      grant(cluster, leader, 7n, 5);
      putWithLease(cluster, leader, 'a', 7n);
      putWithLease(cluster, leader, 'b', 7n);
      const before = leader.revision;
      const goneMs = msUntilGone(cluster, leader, 'a');
      assert.ok(goneMs > 4800 && goneMs < 5500, `${goneMs} ms`);
      assert.equal(holds(cluster, leader, 'b'), false);
      assert.equal(leader.revision, before + 1, 'one revision for all keys of a lease');
      assert.equal(timesOf(cluster, leader, 7n), undefined);
      assert.deepEqual(cluster.fatal, []);
    });
  }

  it('live as long as they are kept alive, at any member', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    grant(cluster, leader, 7n, 2);
    putWithLease(cluster, leader, 'a', 7n);
    for (let i = 0; i < 10; i++) {
      cluster.advance(1500);
      for (const member of cluster.members) assert.equal(renew(cluster, member, 7n), 2);
    }
    assert.equal(holds(cluster, leader, 'a'), true);
    assert.ok(msUntilGone(cluster, leader, 'a') >= 1990);
    for (const member of cluster.members) assert.equal(renew(cluster, member, 7n), 0);
  });

  it('tell what is left of them at any member, with their keys in order', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    grant(cluster, leader, -7n, 100);
    for (const key of ['c', 'a', 'b']) putWithLease(cluster, leader, key, -7n);
    cluster.advance(10_000);
    const keys = ['a', 'b', 'c'].map(bytesOf);
    for (const member of cluster.members) {
      assert.deepEqual(timesOf(cluster, member, -7n), { granted: 100, remaining: 89, keys });
      assert.deepEqual(listOf(cluster, member), [-7n]);
    }
    assert.equal(timesOf(cluster, followerOf(cluster), 8n), undefined);
    assert.ok(revoke(cluster, followerOf(cluster), -7n).ok);
    assert.equal(holds(cluster, leader, 'a'), false);
    assert.deepEqual(listOf(cluster, leader), []);
  });

  it('are listed by what is left of them, by the leader', async () => {
    const cluster = await MemoryCluster.start(1);
    const leader = leaderOf(cluster);
    grant(cluster, leader, 1n, 30);
    grant(cluster, leader, 2n, 10);
    grant(cluster, leader, 3n, 20);
    assert.deepEqual(listOf(cluster, leader), [2n, 3n, 1n]);
    renew(cluster, leader, 2n);
    grant(cluster, leader, 4n, 5);
    assert.deepEqual(listOf(cluster, leader), [4n, 2n, 3n, 1n]);
  });

  it('get their whole TTL, and an election timeout, from a new leader (etcd #13294)', async () => {
    const cluster = await MemoryCluster.start(3);
    const first = leaderOf(cluster);
    grant(cluster, first, 7n, 10);
    putWithLease(cluster, first, 'a', 7n);
    cluster.advance(9000);
    cluster.crash(cluster.nameOf(first));
    const second = leaderOf(cluster);
    const goneMs = msUntilGone(cluster, second, 'a');
    assert.ok(goneMs > 10_500 && goneMs < 12_000, `${goneMs} ms`);
  });

  it('are neither prolonged nor ended by a leader that is cut off (etcd #15247)', async () => {
    const links = new FaultyLinks(seededRandom(1));
    const cluster = await MemoryCluster.start(3, { links });
    const first = leaderOf(cluster);
    const others = cluster.members.filter((member) => member !== first);
    grant(cluster, first, 7n, 3);
    putWithLease(cluster, first, 'a', 7n);
    links.partition(
      [first.id],
      others.map(({ id }) => id),
    );
    assert.equal(first.isLeader, true);
    const kept: unknown[] = [];
    first.renewLease(7n, (outcome) => kept.push(outcome));
    for (let i = 0; i < 10; i++) {
      cluster.advance(1000);
      const second = others.find((member) => member.isLeader);
      if (second !== undefined) assert.equal(renew(cluster, second, 7n), 3);
    }
    assert.deepEqual(kept, [{ ok: false, error: errors.noLeader }]);
    links.heal();
    cluster.advance(1000);
    for (const member of cluster.members) assert.equal(holds(cluster, member, 'a'), true);
    assert.deepEqual(cluster.fatal, []);
  });
});
