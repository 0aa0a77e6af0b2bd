import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import type { WatchRequest } from '../guarantees/history.ts';
import { checkTogether } from '../guarantees/lease-checks.ts';
import { mustSucceed } from './client.ts';
import { Cluster, memberIdOf } from './harness.ts';
import { hashesOf } from './hashes.ts';
import { isLeased, LeaseLoad } from './leases.ts';
import { Load } from './load.ts';
import { programNamed } from './programs.ts';
import { everything, Watchers } from './watchers.ts';
import type { WireObject } from './protocol.ts';

/**
 * Real processes that are killed, stand still, and give leadership away, under load, with watchers who go on
 * elsewhere, and leases: nobody may miss an event, see one twice, or be told of progress that is not theirs, and no lease
 * ends before its time. `WATCH_SEED=7` replays
 * the choices (not the moments), `WATCH_ROUNDS=100` makes it long, `MEMBERS_PROGRAM=etcd` tests a real etcd.
 */

const program = programNamed(process.env['MEMBERS_PROGRAM'] ?? 'quorate');
const seed = Number(process.env['WATCH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = Number(process.env['WATCH_ROUNDS'] ?? '8');
const flags = ['--heartbeat-interval=50', '--election-timeout=500'];
const roundTimeoutMs = 30_000;
const progressWrites = 15;
/** For leases of at most three seconds to end, and a little. */
const expiredMs = 15_000;
/** How far behind the newest revision a compaction stays. */
const keptRevisions = 300;

const requests: readonly WatchRequest[] = [
  { ...everything, key: 'load/0/0/', rangeEnd: 'load/0/00', prevKv: false },
  { ...everything, key: 'load/0/1/', rangeEnd: 'load/0/10', noDelete: true },
  { ...everything, key: 'load/', rangeEnd: 'load0', startRevision: 0 },
  { ...everything, key: 'load/', rangeEnd: 'load0', startRevision: 200 },
  { ...everything, key: 'nobody', rangeEnd: undefined, noPut: true },
];

describe(`members: watchers and leases under kills, pauses and leader moves (WATCH_SEED=${seed})`, function () {
  this.timeout(60_000 + rounds * roundTimeoutMs);
  const random = seededRandom(seed);
  const oneOf = <T>(choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  let cluster: Cluster;
  let load: Load;
  let leases: LeaseLoad;
  let watchers: Watchers;

  before(async () => {
    cluster = await Cluster.start({ program, members: 3, flags });
    load = new Load(cluster, { writers: 4, pauseMs: 4 });
    leases = new LeaseLoad(cluster, random, 6);
    watchers = new Watchers(cluster, {
      told: (event) => leases.told(event),
      streams: 6,
      watchersPerStream: 8,
      random,
      requestOf: (_stream, i) => (i === 0 ? everything : oneOf(requests)),
    });
  });
  after(async () => {
    await watchers.stop();
    await leases.stop();
    await load.stop();
    await cluster.destroy();
  });

  async function newestRevision(): Promise<number> {
    const client = cluster.client(await cluster.leader());
    const answer = mustSucceed(await client.call('KV.Range', { key: Buffer.from('x') }));
    return Number((answer['header'] as WireObject)['revision']);
  }

  /** Nobody keeps a lease alive any more: all of them end. */
  async function untilExpired(): Promise<void> {
    const client = cluster.client(await cluster.leader());
    for (const deadline = performance.now() + expiredMs; ; await sleep(100)) {
      const { leases: left = [] } = mustSucceed(await client.call('Lease.LeaseLeases', {}));
      if ((left as readonly unknown[]).length === 0) return;
      assert.ok(performance.now() < deadline, `${(left as readonly unknown[]).length} leases stay`);
    }
  }

  async function disturb(kind: number): Promise<void> {
    const leader = await cluster.leader();
    const others = cluster.members.filter((member) => member !== leader);
    const other = oneOf(others);
    const victim = random.below(2) === 0 ? leader : other;
    switch (kind) {
      case 0:
        await victim.kill();
        await load.progress(progressWrites, roundTimeoutMs);
        return victim.start();
      case 1:
        victim.pause();
        await load.progress(progressWrites, roundTimeoutMs);
        return victim.resume();
      case 2: {
        const status = mustSucceed(await cluster.client(other).call('Maintenance.Status', {}));
        // Refused where leadership moves by itself just then: nothing is promised about that.
        await cluster
          .client(leader)
          .call('Maintenance.MoveLeader', { targetID: memberIdOf(status) });
        return load.progress(progressWrites, roundTimeoutMs);
      }
      default: {
        const revision = (await newestRevision()) - keptRevisions;
        if (revision < 1) return;
        watchers.compacting(revision);
        await cluster.client(leader).call('KV.Compact', { revision: String(revision) });
      }
    }
  }

  it('miss nothing, see nothing twice, and are never told too much', async () => {
    load.run();
    leases.run();
    watchers.run();
    for (let round = 0; round < rounds; round++) {
      await disturb(round < 4 ? round : random.below(4));
      await load.progress(progressWrites, roundTimeoutMs);
    }
    await load.stop();
    await leases.stop();
    await untilExpired();
    await watchers.settle(await newestRevision());
    assert.deepEqual(watchers.check(load.writes).slice(0, 10), []);
    assert.deepEqual(leases.check().slice(0, 10), []);
    assert.deepEqual(checkTogether(watchers.history, isLeased).slice(0, 10), []);
    assert.deepEqual(load.violations, []);
    const hashes = new Set((await hashesOf(cluster)).map(({ hash }) => hash));
    assert.equal(hashes.size, 1);
    assert.ok(watchers.reconnections > 0, 'nobody had to go elsewhere');
  });
});
