import assert from 'node:assert/strict';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  TxnRequest,
} from '../../src/wire/kv.ts';
import { AlarmType } from '../../src/wire/maintenance.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';
import { disarm, leaderOf, send, textOf } from './member-calls.ts';

const noSpace = 'etcdserver: mvcc: database space exceeded';
const quotaBytes = 100_000;
const value = 'x'.repeat(4000);

function fill(cluster: MemoryCluster, member: ServerMember): number {
  for (let i = 0; ; i++) {
    assert.ok(i * value.length < 2 * quotaBytes, 'the quota never refused');
    const outcome = cluster.put(member, `k${i % 10}`, value);
    if (outcome.ok) continue;
    assert.equal(outcome.error.text, noSpace);
    return i;
  }
}

describe('the quota', () => {
  it('raises NOSPACE on all members before who is refused hears of it', async () => {
    const cluster = await MemoryCluster.start(3, { settings: { quotaBytes } });
    const leader = leaderOf(cluster);
    const taker = cluster.members.find((member) => member !== leader);
    assert.ok(taker !== undefined);
    assert.ok(fill(cluster, taker) > 15);
    const raised = [{ memberId: taker.id, alarm: AlarmType.NOSPACE }];
    assert.deepEqual(taker.alarms(), raised);
    cluster.until('all know', () => cluster.members.every((member) => member.alarms().length > 0));
    for (const member of cluster.members) assert.deepEqual(member.alarms(), raised);
    assert.equal(textOf(cluster.put(leader, 'small', '')), noSpace);
  });

  it('lets through what makes room; then compact, defragment, disarm, and writes go on', async () => {
    const cluster = await MemoryCluster.start(1, { settings: { quotaBytes } });
    const member = leaderOf(cluster);
    fill(cluster, member);
    const put = {
      request: { case: 'requestPut' as const, value: PutRequest.create({ key: bytesOf('k') }) },
    };
    assert.equal(
      send(cluster, member, CommandKind.txn, TxnRequest.encode({ failure: [put] })),
      noSpace,
    );
    const one = DeleteRangeRequest.encode({ key: bytesOf('k1') });
    assert.equal(send(cluster, member, CommandKind.deleteRange, one), 'ok');
    const deletion = DeleteRangeRequest.create({ key: bytesOf('k2') });
    const operation = { request: { case: 'requestDeleteRange' as const, value: deletion } };
    const txn = TxnRequest.encode({ success: [operation] });
    assert.equal(send(cluster, member, CommandKind.txn, txn), 'ok');
    const compaction = CompactionRequest.encode({ revision: member.revision });
    assert.equal(send(cluster, member, CommandKind.compact, compaction), 'ok');
    assert.ok(cluster.answer<undefined>((done) => member.defragment(done)).ok);
    assert.equal(textOf(cluster.put(member, 'a', 'b')), noSpace, 'the alarm is still in force');
    disarm(cluster, member);
    assert.equal(textOf(cluster.put(member, 'a', 'b')), 'ok');
    assert.deepEqual(member.alarms(), []);
  });

  it('raises the alarm again when it is disarmed and nothing was freed', async () => {
    const cluster = await MemoryCluster.start(1, { settings: { quotaBytes } });
    const member = leaderOf(cluster);
    fill(cluster, member);
    disarm(cluster, member);
    assert.equal(textOf(cluster.put(member, 'k', value)), noSpace);
    assert.equal(member.alarms().length, 1);
  });

  it('counts what was applied and is not written yet', async () => {
    const settings = { quotaBytes, commitIntervalMs: 60_000 };
    const cluster = await MemoryCluster.start(1, { settings });
    const member = leaderOf(cluster);
    assert.ok(fill(cluster, member) <= quotaBytes / value.length);
  });

  it('is off when it is negative', async () => {
    const cluster = await MemoryCluster.start(1, { settings: { quotaBytes: -1 } });
    const member = leaderOf(cluster);
    for (let i = 0; i < 50; i++) assert.ok(cluster.put(member, 'k', value).ok);
    assert.deepEqual(member.alarms(), []);
  });

  it('alarms outlive a restart of all members, and reach one that gets the store itself', async () => {
    const settings = { quotaBytes, snapshotCatchupEntries: 5 };
    const cluster = await MemoryCluster.start(3, { settings });
    const leader = leaderOf(cluster);
    const away = cluster.members.find((member) => member !== leader);
    assert.ok(away !== undefined);
    const awayName = cluster.nameOf(away);
    cluster.crash(awayName);
    fill(cluster, leader);
    const alarms = leader.alarms();
    // Deletions are still allowed: they move the log on, past what the other member could be sent entry by entry.
    const deletion = DeleteRangeRequest.encode({ key: bytesOf('nothing') });
    for (let i = 0; i < 1200; i++) send(cluster, leader, CommandKind.deleteRange, deletion);
    const back = await cluster.startMember(awayName);
    cluster.until('it has caught up', () => back.revision === leader.revision);
    assert.deepEqual(back.alarms(), alarms);
    cluster.advance(1000);
    const { names } = cluster;
    for (const name of names) cluster.crash(name);
    for (const name of names) await cluster.startMember(name);
    const next = leaderOf(cluster);
    for (const member of cluster.members) assert.deepEqual(member.alarms(), alarms);
    assert.equal(textOf(cluster.put(next, 'small', '')), noSpace);
    assert.deepEqual(cluster.fatal, []);
  });
});
