import assert from 'node:assert/strict';
import { Cluster } from './support/cluster.ts';

describe('three members', () => {
  it('elect a leader, replicate to all, and read from any', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    assert.equal(cluster.member(1).raft.state, 'leader');
    assert.equal(cluster.member(2).raft.lead, 1n);

    assert.equal(cluster.propose(1, 'at the leader'), 'accepted');
    assert.equal(cluster.propose(3, 'through a follower'), 'accepted');
    for (const id of [1, 2, 3]) {
      assert.deepEqual(cluster.texts(id), ['at the leader', 'through a follower']);
    }

    for (const id of [1, 2, 3]) {
      const { raft } = cluster.member(id);
      raft.readIndex(id);
      cluster.settle();
      assert.deepEqual(cluster.member(id).readStates, [{ context: id, index: 4 }]);
    }
  });

  it('elect another when the leader is gone, and lose nothing', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    cluster.propose(1, 'kept');
    cluster.isolate(1);
    cluster.tick(40);
    const { leader } = cluster;
    assert.notEqual(leader.id, 1n);
    cluster.propose(Number(leader.id), 'later');
    assert.notEqual(cluster.member(1).raft.state, 'leader', 'without a quorum it stepped down');
    cluster.heal();
    cluster.tick(2);
    for (const id of [1, 2, 3]) assert.deepEqual(cluster.texts(id), ['kept', 'later']);
  });

  it('serve as one member alone, too', () => {
    const cluster = Cluster.of(1, { preVote: true, checkQuorum: true });
    cluster.elect(1);
    cluster.propose(1, 'alone');
    cluster.member(1).raft.readIndex(7);
    cluster.settle();
    assert.deepEqual(cluster.texts(1), ['alone']);
    assert.deepEqual(cluster.member(1).readStates, [{ context: 7, index: 3 }]);
  });
});
