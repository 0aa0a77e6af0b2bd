import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../src/wire/kv.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';
import { leaderOf, send } from './member-calls.ts';

/** What broke in etcd around applying and storing, each under the number of its issue. */

function kvOf(cluster: MemoryCluster, member: ServerMember, key: string): KeyValue | undefined {
  const outcome = cluster.get(member, key);
  assert.ok(outcome.ok);
  const [kv] = outcome.value.kvs;
  return kv === undefined ? undefined : KeyValue.decode(kv);
}

function compact(cluster: MemoryCluster, member: ServerMember, revision: number): string {
  return send(cluster, member, CommandKind.compact, CompactionRequest.encode({ revision }));
}

describe('etcd #13514: data and applied index are one', () => {
  // The other half, that a check which failed does not count as passed, is in corruption.test.ts.
  it('no entry is skipped or applied twice, at whatever moment the power goes', async () => {
    const random = seededRandom(13514);
    const cluster = await MemoryCluster.start(1, { settings: { commitIntervalMs: 5 } });
    let member = leaderOf(cluster);
    let puts = 0;
    for (let round = 0; round < 25; round++) {
      for (let i = 0; i < 3; i++) assert.ok(cluster.put(member, 'counter', `${++puts}`).ok);
      cluster.advance(random.below(12));
      cluster.crash(
        'm1',
        () => random.below(2) === 0,
        () => random.below(2) === 0,
      );
      member = await cluster.startMember('m1');
      leaderOf(cluster);
      // Each Put counts the version up by one: a skipped one would be missing, a repeated one too many.
      assert.equal(kvOf(cluster, member, 'counter')?.version, puts);
      assert.equal(member.revision, puts + 1);
    }
    assert.deepEqual(cluster.fatal, []);
  });
});

describe('etcd #14370: acknowledged means written', () => {
  it('a cluster of one has every Put that it acknowledged, though the power goes at that moment', async () => {
    const cluster = await MemoryCluster.start(1, { diskMs: () => 20 });
    for (let i = 0; i < 10; i++) {
      const before = cluster.scheduler.nowMs();
      assert.ok(cluster.put(leaderOf(cluster), 'k', `${i}`).ok);
      assert.ok(cluster.scheduler.nowMs() - before >= 20, 'not before the disk has answered');
      cluster.crash('m1');
      await cluster.startMember('m1');
      const kv = kvOf(cluster, leaderOf(cluster), 'k');
      assert.equal(Buffer.from(kv?.value ?? []).toString(), `${i}`);
    }
  });
});

describe('etcd #17780: a crash within a compaction', () => {
  it('does not take the revision back, though all keys are deleted and every row but the last goes', async () => {
    for (let delayMs = 0; delayMs < 40; delayMs += 3) {
      const settings = {
        commitIntervalMs: 5,
        compactionBatchLimit: 1,
        compactionSleepIntervalMs: 2,
      };
      const cluster = await MemoryCluster.start(1, { settings });
      const leader = leaderOf(cluster);
      for (const key of ['a', 'b', 'c']) {
        assert.ok(cluster.put(leader, key, 'v').ok);
        const request = DeleteRangeRequest.encode({ key: bytesOf(key) });
        assert.equal(send(cluster, leader, CommandKind.deleteRange, request), 'ok');
      }
      assert.equal(leader.revision, 7);
      assert.equal(compact(cluster, leader, 7), 'ok');
      cluster.advance(delayMs);
      cluster.crash('m1');
      const back = await cluster.startMember('m1');
      leaderOf(cluster);
      assert.equal(back.revision, 7, `after ${delayMs} ms`);
      assert.ok(cluster.put(back, 'next', 'v').ok);
      assert.equal(back.revision, 8);
      assert.equal(back.status().compactRevision, 7);
    }
  });
});

describe('etcd #18667: a transaction that writes, and reads a compacted revision', () => {
  it('changes nothing on any member, however far each has come with deleting', async () => {
    // So slow that a member that was restarted is still deleting when the transaction comes.
    const settings = { compactionBatchLimit: 1, compactionSleepIntervalMs: 500 };
    const cluster = await MemoryCluster.start(3, { settings });
    const leader = leaderOf(cluster);
    for (let i = 0; i < 20; i++) assert.ok(cluster.put(leader, `k${i % 4}`, `${i}`).ok);
    const behind = cluster.members.find((member) => member !== leader);
    assert.ok(behind !== undefined);
    assert.equal(compact(cluster, leader, 15), 'ok');
    cluster.advance(1200);
    const name = cluster.nameOf(behind);
    cluster.crash(name);
    await cluster.startMember(name);
    leaderOf(cluster);
    for (const [revision, answer] of [
      [14, 'etcdserver: mvcc: required revision has been compacted'],
      [15, 'ok'],
      [99, 'etcdserver: mvcc: required revision is a future revision'],
    ] as const) {
      const put = PutRequest.create({ key: bytesOf('new'), value: bytesOf(`${revision}`) });
      const range = RangeRequest.create({ key: bytesOf('k1'), revision });
      const request = TxnRequest.encode({
        success: [
          { request: { case: 'requestPut', value: put } },
          { request: { case: 'requestRange', value: range } },
        ],
      });
      assert.equal(send(cluster, leaderOf(cluster), CommandKind.txn, request), answer);
    }
    cluster.advance(60_000);
    const hashes = cluster.members.map((member) =>
      cluster.answer((done) => member.hashKv(0, done)),
    );
    for (const member of cluster.members) assert.equal(member.revision, 22);
    for (const hash of hashes) assert.deepEqual(hash, hashes[0]);
    assert.deepEqual(cluster.fatal, []);
  });
});
