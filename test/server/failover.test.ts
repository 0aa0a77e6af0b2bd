import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { errors, type Outcome } from '../../src/wire/errors.ts';
import { PutRequest } from '../../src/wire/kv.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';
import { leaderOf } from './member-calls.ts';

/** What clients of the others wait for when a leader's process ends. An election timeout is at least a second. */

const soonMs = 400;

function followersOf(cluster: MemoryCluster, leader: ServerMember): readonly ServerMember[] {
  return cluster.members.filter((member) => member !== leader);
}

/** A put without waiting for its answer. */
function begin(member: ServerMember, key: string): Outcome<unknown>[] {
  const answers: Outcome<unknown>[] = [];
  const request = PutRequest.encode({ key: bytesOf(key), value: bytesOf('1') });
  member.propose(CommandKind.put, request, (outcome) => answers.push(outcome));
  return answers;
}

describe('a leader whose process ends', () => {
  for (const size of [3, 5]) {
    it(`is succeeded long before an election timeout (${size} members)`, async () => {
      const cluster = await MemoryCluster.start(size);
      const first = leaderOf(cluster);
      assert.ok(cluster.put(first, 'a', '1').ok);
      const startedMs = cluster.scheduler.nowMs();
      cluster.crash(cluster.nameOf(first));
      const answers = cluster.members.map((member) => begin(member, 'b'));
      cluster.until('all writes', () => answers.every(([answer]) => answer?.ok === true), soonMs);
      assert.ok(cluster.scheduler.nowMs() - startedMs <= soonMs);
      for (const member of cluster.members) assert.ok(cluster.get(member, 'b').ok);
      assert.deepEqual(cluster.fatal, []);
    });
  }

  it('leaves nobody waiting who had written through a follower: what became of it is unknown', async () => {
    const cluster = await MemoryCluster.start(3);
    const first = leaderOf(cluster);
    const [follower] = followersOf(cluster, first);
    assert.ok(follower !== undefined && cluster.put(follower, 'a', '1').ok);
    const answers = begin(follower, 'lost');
    cluster.crash(cluster.nameOf(first));
    cluster.until('an answer', () => answers.length > 0, soonMs);
    assert.deepEqual(answers, [{ ok: false, error: errors.timeoutLeaderFailure }]);
    const found = cluster.get(follower, 'lost');
    assert.ok(found.ok && found.value.kvs.length === 0);
  });

  it('is waited for as long as ever when it only falls silent', async () => {
    const links = new FaultyLinks(seededRandom(1));
    const cluster = await MemoryCluster.start(3, { links });
    const first = leaderOf(cluster);
    const { term } = first;
    for (const other of followersOf(cluster, first)) {
      links.cut(first.id, other.id);
      links.cut(other.id, first.id);
    }
    cluster.advance(900);
    assert.equal(cluster.leader, first);
    assert.equal(first.term, term);
  });

  it('is followed on when it lives and one member was deceived', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    const [deceived] = followersOf(cluster, leader);
    const { term } = leader;
    for (let round = 0; round < 100; round++) {
      deceived?.gone(leader.id);
      cluster.advance(30);
    }
    assert.equal(cluster.leader, leader);
    assert.equal(leader.term, term);
    assert.ok(deceived !== undefined && cluster.put(deceived, 'a', '1').ok);
  });

  it('that all were deceived about is succeeded once, and loses nothing', async () => {
    const cluster = await MemoryCluster.start(3);
    const leader = leaderOf(cluster);
    const { term } = leader;
    assert.ok(cluster.put(leader, 'a', '1').ok);
    for (const other of followersOf(cluster, leader)) other.gone(leader.id);
    cluster.advance(3000);
    assert.equal(leaderOf(cluster).term, term + 1);
    const found = cluster.get(leader, 'a');
    assert.ok(found.ok && found.value.kvs.length === 1);
  });
});
