import assert from 'node:assert/strict';
import type { Logger } from '../../src/host/logger.ts';
import { encodeRowKey } from '../../src/mvcc/revision.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { StoreBatch } from '../../src/storage/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest } from '../../src/wire/kv.ts';
import { AlarmType } from '../../src/wire/maintenance.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { bytesOf, MemoryCluster, type ClusterOptions } from './cluster.ts';
import { disarm, leaderOf, send, textOf } from './member-calls.ts';

const minuteMs = 60_000;
const corrupt = 'etcdserver: corrupt cluster';

/** Some keys, on every member and every disk. */
async function startFilled(size: number, options: ClusterOptions = {}): Promise<MemoryCluster> {
  const cluster = await MemoryCluster.start(size, options);
  const leader = leaderOf(cluster);
  for (let i = 0; i < 10; i++) assert.ok(cluster.put(leader, `k${i}`, `v${i}`).ok);
  cluster.until('all have it', () => cluster.members.every(({ revision }) => revision === 11));
  cluster.advance(1000);
  return cluster;
}

/** The newest row of a member that does not run gets another value: silently, with all checksums in order. */
async function corruptNewestRow(cluster: MemoryCluster, name: string): Promise<void> {
  const commit = async (
    batch: (state: StoreBatch['state']) => Partial<StoreBatch>,
  ): Promise<void> => {
    const dataDir = await cluster.openStopped(name);
    const { state } = dataDir.store;
    const whole = { state, put: [], deleted: [], changes: [], ...batch(state) };
    await new Promise<void>((done) => dataDir.store.commit(whole, done));
    await new Promise<void>((done) => dataDir.close(done));
  };
  const rowKey = (revision: number): Uint8Array => encodeRowKey(revision, 0, false);
  await commit(({ revision }) => ({ deleted: [rowKey(revision)] }));
  await commit(({ revision }) => {
    const modRevision = revision;
    const kv = { key: bytesOf('k9'), createRevision: revision, modRevision, version: 1 };
    const value = KeyValue.encode({ ...kv, value: bytesOf('rotten') });
    return { put: [{ key: rowKey(revision), value }] };
  });
}

/** The same in a cluster that goes on, with the named member started again. */
async function corruptAndRestart(cluster: MemoryCluster, name: string): Promise<void> {
  cluster.crash(name);
  await corruptNewestRow(cluster, name);
  await cluster.startMember(name);
  cluster.advance(5000);
}

function firstFollower(cluster: MemoryCluster): string {
  const leader = leaderOf(cluster);
  const follower = cluster.members.find((member) => member !== leader);
  assert.ok(follower !== undefined);
  return cluster.nameOf(follower);
}

function idOf(cluster: MemoryCluster, name: string): bigint {
  return cluster.running(name)?.id ?? 0n;
}

function checkInitially(cluster: MemoryCluster, member: ServerMember): string | undefined {
  let problem: string | undefined;
  let isDone = false;
  member.checkInitially((found) => {
    problem = found;
    isDone = true;
  });
  cluster.until('the check is done', () => isDone, 60_000);
  return problem;
}

/** Prepares the named member, which does not run, and answers what its initial check finds. */
async function restartChecked(cluster: MemoryCluster, name: string): Promise<string | undefined> {
  return checkInitially(cluster, await cluster.prepareMember(name));
}

class Log implements Logger {
  readonly lines: string[] = [];

  log(_level: string, msg: string): void {
    this.lines.push(msg);
  }

  has(msg: string): boolean {
    return this.lines.includes(msg);
  }
}

const passed = 'finished corruption check';
const unknown = 'corruption check could not compare all members';
const differs = 'found members with different data';

describe('the initial corruption check', () => {
  it('lets a member go on that holds what the others hold', async () => {
    const logger = new Log();
    const cluster = await startFilled(3, { logger });
    const name = firstFollower(cluster);
    cluster.crash(name);
    assert.equal(await restartChecked(cluster, name), undefined);
    assert.ok(logger.has(passed));
    cluster.running(name)?.start();
    cluster.until('it takes part', () => cluster.running(name)?.lead !== 0n);
    assert.deepEqual(cluster.fatal, []);
  });

  it('finds one differing value, and says who has what and what to do', async () => {
    const cluster = await startFilled(3);
    const name = firstFollower(cluster);
    cluster.crash(name);
    await corruptNewestRow(cluster, name);
    const problem = await restartChecked(cluster, name);
    const id = idOf(cluster, name).toString(16);
    assert.match(problem ?? '', new RegExp(`^member ${id} found data inconsistency with peers: `));
    assert.match(
      problem ?? '',
      /hashes at revision 11, compacted at -1, are ([0-9a-f]+: [0-9a-f]{8}(, )?){3}\./,
    );
    assert.match(problem ?? '', /remove its data dir, and add it again/);
  });

  it('finds it too when the others answer the hash that they kept of a compaction', async () => {
    const cluster = await startFilled(3);
    const leader = leaderOf(cluster);
    const compaction = CompactionRequest.encode({ revision: 11 });
    assert.equal(send(cluster, leader, CommandKind.compact, compaction), 'ok');
    cluster.advance(2000);
    const name = firstFollower(cluster);
    cluster.crash(name);
    assert.equal(await restartChecked(cluster, name), undefined);
    cluster.crash(name);
    await corruptNewestRow(cluster, name);
    assert.match((await restartChecked(cluster, name)) ?? '', /found data inconsistency/);
  });

  it('does not hold it against a member that another one differs from a quorum', async () => {
    const logger = new Log();
    const cluster = await startFilled(3, { logger });
    const leader = cluster.nameOf(leaderOf(cluster));
    const [first, second] = cluster.names.filter((name) => name !== leader);
    assert.ok(first !== undefined && second !== undefined);
    await corruptAndRestart(cluster, first);
    cluster.crash(second);
    assert.equal(await restartChecked(cluster, second), undefined);
    assert.ok(logger.has(differs), 'but it is told');
  });

  it('cannot tell who is right where two differ, and refuses both', async () => {
    const cluster = await startFilled(2);
    const [one = '', two = ''] = cluster.names;
    cluster.crash(one);
    await corruptNewestRow(cluster, one);
    assert.match((await restartChecked(cluster, one)) ?? '', /found data inconsistency/);
    // The one that was refused is not started: it answers all the same, as two do that start together.
    cluster.crash(two);
    assert.match((await restartChecked(cluster, two)) ?? '', /found data inconsistency/);
  });

  it('counts members that cannot be reached as unknown, waits for them not for ever, and goes on', async () => {
    const logger = new Log();
    const cluster = await startFilled(3, { logger });
    const name = firstFollower(cluster);
    for (const each of cluster.names) cluster.crash(each);
    await corruptNewestRow(cluster, name);
    const startedMs = cluster.scheduler.nowMs();
    assert.equal(await restartChecked(cluster, name), undefined);
    assert.ok(cluster.scheduler.nowMs() - startedMs < 5000);
    assert.ok(logger.has(unknown));
    assert.ok(!logger.has(passed));
  });

  it('has nothing to compare in a cluster of one', async () => {
    const cluster = await startFilled(1);
    cluster.crash('m1');
    assert.equal(await restartChecked(cluster, 'm1'), undefined);
  });
});

for (const [check, settings] of [
  ['periodic', { corruptCheckMs: minuteMs }],
  ['compact-hash', { compactHashCheckMs: minuteMs }],
] as const) {
  describe(`the ${check} corruption check`, () => {
    /** What the check works on: for the one that compares hashes of compactions, a compaction. */
    const prepare = (cluster: MemoryCluster): void => {
      if (check === 'periodic') return;
      const leader = leaderOf(cluster);
      for (const key of ['x', 'y']) assert.ok(cluster.put(leader, key, 'z').ok);
      const request = CompactionRequest.encode({ revision: leader.revision });
      assert.equal(send(cluster, leader, CommandKind.compact, request), 'ok');
    };

    it('passes where all are equal', async () => {
      const logger = new Log();
      const cluster = await startFilled(3, { settings, logger });
      prepare(cluster);
      cluster.advance(2 * minuteMs);
      assert.ok(logger.has(passed));
      assert.ok(!logger.has(unknown) && !logger.has(differs));
      for (const member of cluster.members) assert.deepEqual(member.alarms(), []);
    });

    for (const who of ['a follower', 'the leader'] as const) {
      it(`finds a differing value at ${who}, and raises CORRUPT in its name`, async () => {
        const cluster = await startFilled(3, { settings });
        const name =
          who === 'a follower' ? firstFollower(cluster) : cluster.nameOf(leaderOf(cluster));
        await corruptAndRestart(cluster, name);
        const rotten = cluster.running(name);
        assert.ok(rotten !== undefined);
        if (who === 'the leader' && !rotten.isLeader) {
          leaderOf(cluster).moveLeader(rotten.id, () => undefined);
          cluster.until('it leads', () => rotten.isLeader);
        }
        prepare(cluster);
        cluster.advance(2 * minuteMs);
        const raised = [{ memberId: rotten.id, alarm: AlarmType.CORRUPT }];
        for (const member of cluster.members) assert.deepEqual(member.alarms(), raised);
        assert.equal(textOf(cluster.put(leaderOf(cluster), 'a', 'b')), corrupt);
        assert.ok(cluster.get(rotten, 'k1').ok, 'reads go on');
        assert.deepEqual(cluster.fatal, []);
      });
    }

    it('blames the whole cluster where two differ', async () => {
      const cluster = await startFilled(2, { settings });
      await corruptAndRestart(cluster, firstFollower(cluster));
      prepare(cluster);
      cluster.advance(2 * minuteMs);
      const raised = [{ memberId: 0n, alarm: AlarmType.CORRUPT }];
      for (const member of cluster.members) assert.deepEqual(member.alarms(), raised);
    });

    it('says that it does not know what an absent member has, and finds it when it is back', async () => {
      const logger = new Log();
      const links = new FaultyLinks(seededRandom(1));
      const cluster = await startFilled(3, { settings, logger, links });
      const name = firstFollower(cluster);
      await corruptAndRestart(cluster, name);
      prepare(cluster);
      cluster.advance(2000);
      const leader = leaderOf(cluster);
      for (const member of cluster.members) {
        if (member !== cluster.running(name)) links.cut(member.id, idOf(cluster, name));
      }
      cluster.advance(2 * minuteMs);
      assert.ok(logger.has(unknown) && !logger.has(passed) && !logger.has(differs));
      assert.deepEqual(leader.alarms(), []);
      links.heal();
      cluster.advance(3 * minuteMs);
      assert.deepEqual(leaderOf(cluster).alarms(), [
        { memberId: idOf(cluster, name), alarm: AlarmType.CORRUPT },
      ]);
    });

    it('raises the alarm again after it was disarmed with nothing mended', async () => {
      const cluster = await startFilled(3, { settings });
      await corruptAndRestart(cluster, firstFollower(cluster));
      prepare(cluster);
      cluster.advance(2 * minuteMs);
      const leader = leaderOf(cluster);
      const [alarm] = leader.alarms();
      assert.ok(alarm !== undefined);
      disarm(cluster, leader);
      assert.deepEqual(leader.alarms(), []);
      cluster.advance(2 * minuteMs);
      assert.deepEqual(leader.alarms(), [alarm]);
    });
  });
}
