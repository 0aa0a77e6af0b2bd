import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { errors, type Outcome } from '../../src/wire/errors.ts';
import { LeaseExpiry } from '../../src/wire/lease.ts';
import { AlarmAction, AlarmRequest, AlarmType } from '../../src/wire/maintenance.ts';
import { MemoryCluster } from './cluster.ts';
import {
  followerOf,
  grant,
  holds,
  leaderOf,
  listOf,
  msUntilGone,
  putWithLease,
  renew,
  timesOf,
} from './lease-clients.ts';

/** Leases through restarts, snapshots and changes of leader. */

function moveLeader(cluster: MemoryCluster, to: ServerMember): void {
  const leader = leaderOf(cluster);
  if (leader === to) return;
  assert.ok(cluster.answer<undefined>((done) => leader.moveLeader(to.id, done)).ok);
}

function idsOf(members: readonly ServerMember[]): readonly bigint[] {
  return members.map(({ id }) => id);
}

describe('leases after a restart', () => {
  it('are there with their keys, and begin anew', async () => {
    const cluster = await MemoryCluster.start(1);
    grant(cluster, leaderOf(cluster), 7n, 10);
    grant(cluster, leaderOf(cluster), 8n, 3600);
    putWithLease(cluster, leaderOf(cluster), 'a', 7n);
    cluster.advance(8000);
    cluster.crash('m1');
    await cluster.startMember('m1');
    const back = leaderOf(cluster);
    assert.ok(msUntilGone(cluster, back, 'a') > 10_500);
    assert.deepEqual(listOf(cluster, back), [8n]);
    assert.deepEqual(cluster.fatal, []);
  });

  it('are there on a member that got the store itself', async () => {
    const cluster = await MemoryCluster.start(3, { settings: { snapshotCatchupEntries: 10 } });
    const leader = leaderOf(cluster);
    const name = cluster.nameOf(followerOf(cluster));
    grant(cluster, leader, 6n, 3600);
    cluster.crash(name);
    grant(cluster, leader, 7n, 3600);
    putWithLease(cluster, leader, 'a', 7n);
    for (let i = 0; i < 60; i++) assert.ok(cluster.put(leader, `k${i}`, 'v').ok);
    cluster.advance(200);
    const back = await cluster.startMember(name);
    cluster.until('it has caught up', () => back.revision === leader.revision);
    assert.deepEqual(listOf(cluster, back).toSorted(), [6n, 7n]);
    moveLeader(cluster, back);
    const [key] = timesOf(cluster, back, 7n)?.keys ?? [];
    assert.deepEqual(key, Uint8Array.of(97));
    assert.equal(renew(cluster, back, 6n), 3600);
    assert.deepEqual(cluster.fatal, []);
  });
});

describe('leases at a change of leader', () => {
  it('are not ended by what an earlier leader decided (etcd #15247, I35)', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    grant(cluster, leader, 7n, 60);
    putWithLease(cluster, leader, 'a', 7n);
    const expire = (term: number): Outcome<unknown> => {
      const request = LeaseExpiry.encode({ term, ids: [7n] });
      return cluster.answer((done) => leader.propose(CommandKind.leaseExpire, request, done));
    };
    assert.ok(expire(leader.term - 1).ok);
    assert.ok(expire(leader.term + 1).ok);
    assert.equal(holds(cluster, leader, 'a'), true);
    assert.ok(expire(leader.term).ok);
    assert.equal(holds(cluster, leader, 'a'), false);
  });

  it('are kept by the next leader when the last one is stuck in a write (etcd #15247)', async () => {
    let stuck = '';
    const cluster = await MemoryCluster.start(3, {
      diskMs: (name, { kind }) => (name === stuck && kind === 'batch' ? 30_000 : 1),
    });
    const first = leaderOf(cluster);
    const others = cluster.members.filter((member) => member !== first);
    grant(cluster, first, 7n, 4);
    putWithLease(cluster, first, 'a', 7n);
    stuck = cluster.nameOf(first);
    first.propose(CommandKind.leaseExpire, LeaseExpiry.encode({ term: 0 }), () => undefined);
    const late: number[] = [];
    for (let i = 0; i < 20; i++) {
      cluster.advance(1000);
      const second = others.find((member) => member.isLeader);
      if (second !== undefined) late.push(renew(cluster, second, 7n));
      else assert.equal(renew(cluster, first, 7n), 4, 'it still leads, and its followers say so');
    }
    assert.ok(late.length > 5, 'the stuck leader was replaced');
    assert.ok(late.every((ttl) => ttl === 4));
    stuck = '';
    cluster.advance(40_000);
    assert.deepEqual(cluster.fatal, []);
  });

  it('are answered for by the new leader when a keep-alive was under way', async () => {
    const links = new FaultyLinks(seededRandom(2));
    const cluster = await MemoryCluster.start(3, { links });
    const first = leaderOf(cluster);
    const others = cluster.members.filter((member) => member !== first);
    grant(cluster, first, 7n, 30);
    links.partition([first.id], idsOf(others));
    const kept: Outcome<number>[] = [];
    for (const member of cluster.members) member.renewLease(7n, (outcome) => kept.push(outcome));
    cluster.until('the others have an answer', () => kept.length === 2, 6000);
    assert.deepEqual(
      kept.map((outcome) => outcome.ok && outcome.value),
      [30, 30],
    );
    links.heal();
    cluster.until('the first has one, from its successor', () => kept.length === 3, 6000);
    assert.deepEqual(kept[2], { ok: true, value: 30 });
  });

  it('are asked for in vain without a leader: etcd’s words after its time-out', async () => {
    const cluster = await MemoryCluster.start(3);
    const follower = followerOf(cluster);
    grant(cluster, leaderOf(cluster), 7n, 30);
    for (const member of cluster.members) {
      if (member !== follower) cluster.crash(cluster.nameOf(member));
    }
    cluster.advance(3000);
    const startedMs = cluster.scheduler.nowMs();
    const renewed = cluster.answer<number>((done) => follower.renewLease(7n, done));
    assert.deepEqual(renewed, { ok: false, error: errors.noLeader });
    assert.ok(cluster.scheduler.nowMs() - startedMs >= 6990);
    const outcomes: Outcome<number>[] = [];
    follower.renewLease(7n, (outcome) => outcomes.push(outcome));
    cluster.crash(cluster.nameOf(follower));
    follower.renewLease(7n, (outcome) => outcomes.push(outcome));
    const stopped = { ok: false, error: errors.stopped };
    assert.deepEqual<unknown>(outcomes, [stopped, stopped]);
  });
});

describe('a keep-alive of a lease whose expiry is under way', () => {
  it('waits for the outcome: 0 when the lease is gone', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    grant(cluster, leader, 7n, 2);
    putWithLease(cluster, leader, 'a', 7n);
    const answers: number[] = [];
    // Asked every millisecond around the end, all of them answered in time: then either TTL, or 0 for good.
    cluster.advance(1900);
    for (let i = 0; i < 300; i++) {
      if (i < 20 || i > 90) {
        const startedMs = cluster.scheduler.nowMs();
        leader.renewLease(7n, (outcome) => {
          assert.ok(outcome.ok);
          assert.ok(cluster.scheduler.nowMs() - startedMs < 100);
          answers.push(outcome.value);
        });
      }
      cluster.advance(i === 50 ? 1990 : 1);
    }
    cluster.advance(100);
    assert.equal(answers.length, 229);
    const firstZero = answers.indexOf(0);
    assert.ok(firstZero > 0);
    assert.ok(answers.slice(firstZero).every((ttl) => ttl === 0));
    assert.equal(holds(cluster, leader, 'a'), false);
  });

  it('renews it after all when the cluster is corrupt, which deletes nothing', async () => {
    const cluster = await MemoryCluster.start(1);
    const leader = leaderOf(cluster);
    grant(cluster, leader, 7n, 2);
    putWithLease(cluster, leader, 'a', 7n);
    const alarm = (action: number): void => {
      const request = AlarmRequest.encode({ action, memberId: 1n, alarm: AlarmType.CORRUPT });
      assert.ok(cluster.answer((done) => leader.propose(CommandKind.alarm, request, done)).ok);
    };
    alarm(AlarmAction.ACTIVATE);
    cluster.advance(10_000);
    assert.equal(holds(cluster, leader, 'a'), true);
    assert.equal(renew(cluster, leader, 7n), 2);
    alarm(AlarmAction.DEACTIVATE);
    const goneMs = msUntilGone(cluster, leader, 'a');
    assert.ok(goneMs < 8000, `${goneMs} ms`);
  });
});

describe('what is left of leases, written down every interval (etcd LeaseCheckpoint)', () => {
  const settings = { leaseCheckpointIntervalMs: 60_000 };

  it('outlives several changes of leader (etcd #17132)', async () => {
    const cluster = await MemoryCluster.start(3, { settings });
    grant(cluster, leaderOf(cluster), 7n, 600);
    putWithLease(cluster, leaderOf(cluster), 'a', 7n);
    const startedMs = cluster.scheduler.nowMs();
    for (let i = 0; i < 4; i++) {
      cluster.advance(125_000);
      moveLeader(cluster, followerOf(cluster));
      cluster.advance(1000);
    }
    const leader = leaderOf(cluster);
    const remaining = timesOf(cluster, leader, 7n)?.remaining ?? 0;
    const left = 600 - (cluster.scheduler.nowMs() - startedMs) / 1000;
    assert.ok(remaining >= Math.floor(left), 'never less than is left');
    assert.ok(remaining <= left + 4 * 7, `${remaining} s of ${left} s`);
    cluster.until('it is gone', () => !holds(cluster, leader, 'a'), 200_000);
    assert.deepEqual(cluster.fatal, []);
  });

  it('is forgotten by a renewal before that is acknowledged, so that no leader ends it early (I33)', async () => {
    const cluster = await MemoryCluster.start(3, { settings });
    grant(cluster, leaderOf(cluster), 7n, 600);
    putWithLease(cluster, leaderOf(cluster), 'a', 7n);
    cluster.advance(400_000);
    assert.equal(renew(cluster, followerOf(cluster), 7n), 600);
    cluster.crash(cluster.nameOf(leaderOf(cluster)));
    const next = leaderOf(cluster);
    cluster.advance(590_000);
    assert.equal(holds(cluster, next, 'a'), true);
    cluster.until('it is gone', () => !holds(cluster, next, 'a'), 30_000);
  });

  it('is not written down by default', async () => {
    const cluster = await MemoryCluster.start(3);
    grant(cluster, leaderOf(cluster), 7n, 3600);
    cluster.advance(1_000_000);
    cluster.crash(cluster.nameOf(leaderOf(cluster)));
    const remaining = timesOf(cluster, leaderOf(cluster), 7n)?.remaining ?? 0;
    assert.ok(remaining >= 3599, `${remaining} s`);
  });
});
