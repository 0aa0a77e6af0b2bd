import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { LeaseRevokeRequest } from '../../src/wire/lease.ts';
import { MemoryCluster } from './cluster.ts';
import { followerOf, grant, leaderOf, renew } from './lease-clients.ts';

/**
 * A whole member as a leader that renews by itself, because it has heard from a quorum lately: by what it then has to
 * look at in its own Raft and apply loop. The rules themselves: lease-service.test.ts.
 */

/** A leader with a lease that it has just renewed by a round, so that it may renew it again without one. */
async function closeLeader(links?: FaultyLinks): Promise<{
  readonly cluster: MemoryCluster;
  readonly leader: ServerMember;
}> {
  const cluster = await MemoryCluster.start(3, links === undefined ? {} : { links });
  const leader = leaderOf(cluster);
  grant(cluster, leader, 7n, 60);
  cluster.advance(300);
  assert.equal(leader.maybeRenewLease(7n), undefined, 'no quorum was heard from lately');
  assert.equal(renew(cluster, leader, 7n), 60);
  assert.equal(leader.maybeRenewLease(7n), 60);
  return { cluster, leader };
}

describe('a keep-alive that needs no round', () => {
  it('is not answered while an entry is committed and not applied: it may revoke the lease (I33)', async () => {
    const { cluster, leader } = await closeLeader();
    const { applyLoop } = leader['loops'];
    applyLoop.pause();
    const request = LeaseRevokeRequest.encode({ id: 7n });
    leader.propose(CommandKind.leaseRevoke, request, () => undefined);
    const isCommitted = (): boolean => leader.status().raftIndex > applyLoop.applied.index;
    cluster.until('the end of the lease is committed', isCommitted);
    assert.equal(leader.maybeRenewLease(7n), undefined);
  });

  it('is not answered by one that has told another to campaign, who may lead already (4.2.3)', async () => {
    const links = new FaultyLinks(seededRandom(3));
    const { cluster, leader } = await closeLeader(links);
    const others = cluster.members.filter((member) => member !== leader);
    leader.moveLeader(followerOf(cluster).id, () => undefined);
    // Its word is on the way; it hears of nothing that comes of it.
    cluster.until('it has told the other', () => leader['loops'].raft.hasOfferedLeadership, 100);
    links.partition(
      [leader.id],
      others.map(({ id }) => id),
    );
    assert.equal(leader.isLeader, true);
    assert.equal(leader.maybeRenewLease(7n), undefined);
    cluster.advance(60);
    assert.equal(leader.maybeRenewLease(7n), undefined);
  });
});
