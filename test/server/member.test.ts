import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import type { Outcome } from '../../src/wire/errors.ts';
import type { RangeResponse } from '../../src/wire/kv.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { PutRequest } from '../../src/wire/kv.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';

function valueOf(outcome: Outcome<RangeResponse>): string | undefined {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.error.text);
  const [kv] = outcome.value.kvs;
  return kv === undefined ? undefined : Buffer.from(KeyValue.decode(kv).value).toString();
}

function leaderOf(cluster: MemoryCluster) {
  cluster.until('a leader', () => cluster.leader !== undefined);
  const { leader } = cluster;
  assert.ok(leader !== undefined);
  return leader;
}

describe('members', () => {
  it('a single one leads, writes and reads', async () => {
    const cluster = await MemoryCluster.start(1);
    const leader = leaderOf(cluster);
    assert.ok(cluster.put(leader, 'a', '1').ok);
    assert.equal(valueOf(cluster.get(leader, 'a')), '1');
    assert.equal(leader.revision, 2);
  });

  it('three agree on what was put at any of them', async () => {
    const cluster = await MemoryCluster.start(3);
    leaderOf(cluster);
    for (const [i, member] of cluster.members.entries()) {
      assert.ok(cluster.put(member, `key${i}`, `value${i}`).ok);
    }
    for (const member of cluster.members) {
      for (const i of [0, 1, 2]) assert.equal(valueOf(cluster.get(member, `key${i}`)), `value${i}`);
    }
    assert.deepEqual(cluster.fatal, []);
  });

  it('go on without a leader that crashed, and take it back with everything', async () => {
    const cluster = await MemoryCluster.start(3);
    const first = leaderOf(cluster);
    assert.ok(cluster.put(first, 'a', '1').ok);
    const name = cluster.nameOf(first);
    cluster.crash(name);
    const second = leaderOf(cluster);
    assert.ok(cluster.put(second, 'b', '2').ok);
    const back = await cluster.startMember(name);
    cluster.until('it has caught up', () => back.revision === second.revision);
    assert.equal(valueOf(cluster.get(back, 'a')), '1');
    assert.equal(valueOf(cluster.local(back, 'b')), '2');
    assert.deepEqual(cluster.fatal, []);
  });

  it('keep every acknowledged write when all of them lose power at once', async () => {
    const cluster = await MemoryCluster.start(3);
    for (let round = 0; round < 5; round++) {
      const leader = leaderOf(cluster);
      for (let i = 0; i < 20; i++) assert.ok(cluster.put(leader, `k${round}-${i}`, `${i}`).ok);
      const names = cluster.members.map((member) => cluster.nameOf(member));
      for (const name of names) cluster.crash(name);
      for (const name of names) await cluster.startMember(name);
    }
    const leader = leaderOf(cluster);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 20; i++)
        assert.equal(valueOf(cluster.get(leader, `k${round}-${i}`)), `${i}`);
    }
    assert.deepEqual(cluster.fatal, []);
  });

  it('send the store itself to one that is too far behind', async () => {
    const cluster = await MemoryCluster.start(3, { settings: { snapshotCatchupEntries: 10 } });
    const leader = leaderOf(cluster);
    const follower = cluster.members.find((member) => member !== leader);
    assert.ok(follower !== undefined);
    const name = cluster.nameOf(follower);
    cluster.crash(name);
    for (let i = 0; i < 1200; i++) assert.ok(cluster.put(leader, `k${i % 100}`, `${i}`).ok);
    const back = await cluster.startMember(name);
    cluster.until('it has caught up', () => back.revision === leader.revision);
    assert.equal(valueOf(cluster.get(back, 'k99')), '1199');
    const hashes = [leader, back].map((member) => cluster.answer((done) => member.hashKv(0, done)));
    assert.deepEqual(hashes[0], hashes[1]);
    assert.deepEqual(cluster.fatal, []);
  });

  it('lose no write that arrives while leadership moves', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    const target = cluster.members.find((member) => member !== leader);
    assert.ok(target !== undefined);
    const moved: unknown[] = [];
    leader.moveLeader(target.id, (outcome) => moved.push(outcome));
    const outcomes: Outcome<unknown>[] = [];
    for (let i = 0; i < 50; i++) {
      const request = PutRequest.encode({ key: bytesOf(`k${i}`), value: bytesOf('v') });
      leader.propose(CommandKind.put, request, (outcome) => outcomes.push(outcome));
      cluster.advance(2);
    }
    cluster.until('all answers', () => outcomes.length === 50);
    assert.deepEqual(moved, [{ ok: true, value: undefined }]);
    assert.equal(outcomes.filter((outcome) => outcome.ok).length, 50);
    assert.equal(target.isLeader, true);
  });

  it('write nothing to the store before their log holds it, not even in place of something else', async () => {
    let slowName = '';
    const links = new FaultyLinks(seededRandom(1));
    const cluster = await MemoryCluster.start(3, {
      links,
      diskMs: (name, { kind, path }) =>
        name === slowName && kind === 'batch' && path.includes('/log-') ? 5000 : 1,
    });
    const first = leaderOf(cluster);
    const others = cluster.members.filter((member) => member !== first);
    links.partition(
      [first.id],
      others.map(({ id }) => id),
    );
    const request = PutRequest.encode({ key: bytesOf('lost'), value: bytesOf('v') });
    for (let i = 0; i < 10; i++) first.propose(CommandKind.put, request, () => undefined);
    cluster.until('another leader', () => others.some((member) => member.isLeader));
    const second = others.find((member) => member.isLeader);
    assert.ok(second !== undefined);
    for (let i = 0; i < 5; i++) assert.ok(cluster.put(second, 'kept', `${i}`).ok);
    const name = cluster.nameOf(first);
    slowName = name;
    links.heal();
    cluster.until('it has applied them', () => first.revision === second.revision);
    cluster.advance(300);
    cluster.crash(name);
    slowName = '';
    const back = await cluster.startMember(name);
    cluster.until('it has caught up', () => back.revision === second.revision);
    assert.deepEqual(cluster.fatal, []);
  });

  it('stop while their log is being written', async () => {
    const cluster = await MemoryCluster.start(3, { diskMs: () => 20 });
    const leader = leaderOf(cluster);
    const request = PutRequest.encode({ key: bytesOf('k'), value: bytesOf('v') });
    for (let delayMs = 0; delayMs < 40; delayMs += 2) {
      leader.propose(CommandKind.put, request, () => undefined);
      cluster.advance(2);
    }
    let stopped = 0;
    for (const member of cluster.members) member.stop(() => stopped++);
    cluster.until('the end of all', () => stopped === 3);
    assert.deepEqual(cluster.fatal, []);
  });
});
