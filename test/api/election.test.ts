import assert from 'node:assert/strict';
import { emptyBytes, utf8 } from '../../src/base/bytes.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import {
  CampaignRequest,
  CampaignResponse,
  LeaderKey,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ResignRequest,
} from '../../src/wire/election.ts';
import { DeleteRangeRequest, PutRequest } from '../../src/wire/kv.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import type { RecordedCall } from './caller.ts';
import { stateOf, WaitingWorld } from './waiting-world.ts';

const name = utf8('e');
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

const campaign = (
  world: WaitingWorld,
  lease: bigint,
  value: string,
  member?: ServerMember,
): RecordedCall => {
  const request = { name, lease, value: utf8(value) };
  return world.begin('/v3electionpb.Election/Campaign', CampaignRequest, request, member);
};

function leaderKeyOf({ answer }: RecordedCall): LeaderKey {
  const { leader } = CampaignResponse.decode(answer?.messages[0] ?? emptyBytes);
  return LeaderKey.create(leader);
}

const proclaim = (world: WaitingWorld, leader: LeaderKey | undefined, value: string): string =>
  stateOf(
    world.begin('/v3electionpb.Election/Proclaim', ProclaimRequest, { leader, value: utf8(value) }),
  );

const resign = (world: WaitingWorld, leader: LeaderKey | undefined): string =>
  stateOf(world.begin('/v3electionpb.Election/Resign', ResignRequest, { leader }));

const observe = (world: WaitingWorld, member?: ServerMember): RecordedCall =>
  world.begin('/v3electionpb.Election/Observe', LeaderRequest, { name }, member);

const toldBy = ({ messages }: RecordedCall): readonly string[] =>
  messages.map((message) => {
    const { kv, header } = LeaderResponse.decode(message);
    assert.ok(kv !== undefined && (header?.revision ?? 0) >= KeyValue.decode(kv).modRevision);
    return text(KeyValue.decode(kv).value);
  });

describe('the election service', () => {
  it('elects one candidate after the other, in the order in which they stood', async () => {
    const world = await WaitingWorld.start();
    for (const lease of [1n, 2n, 3n]) world.grant(lease);
    const calls = [1n, 2n, 3n].map((lease) => campaign(world, lease, `c${lease}`));
    const states = (): readonly string[] => calls.map(stateOf);
    assert.deepEqual(states(), ['ok', 'waits', 'waits']);
    const first = leaderKeyOf(calls[0] as RecordedCall);
    assert.deepEqual(
      [text(first.name), text(first.key), first.revision, first.lease],
      ['e', 'e/1', 2, 1n],
    );
    assert.equal(resign(world, first), 'ok');
    assert.deepEqual(states(), ['ok', 'ok', 'waits']);
    assert.equal(resign(world, leaderKeyOf(calls[1] as RecordedCall)), 'ok');
    assert.deepEqual(states(), ['ok', 'ok', 'ok']);
  });

  it('lets only the leader that was elected proclaim, and resign', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    world.grant(2n);
    const leader = leaderKeyOf(campaign(world, 1n, 'a'));
    assert.equal(proclaim(world, leader, 'b'), 'ok');
    const older = { ...leader, revision: leader.revision - 1 };
    assert.equal(proclaim(world, older, 'c'), '2 election: not leader');
    // To resign from what is no more one's own is no error, and does nothing.
    assert.equal(resign(world, older), 'ok');
    assert.deepEqual(world.keys('e/'), ['e/1']);
    resign(world, leader);
    assert.equal(proclaim(world, leader, 'd'), '2 election: not leader');
    assert.deepEqual(world.keys('e/'), []);
  });

  it('takes another campaign of the same session for a proclamation', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    const first = leaderKeyOf(campaign(world, 1n, 'a'));
    const again = campaign(world, 1n, 'b');
    assert.deepEqual(leaderKeyOf(again), first);
    const asked = world.begin('/v3electionpb.Election/Leader', LeaderRequest, { name });
    const { kv } = LeaderResponse.decode(asked.answer?.messages[0] ?? emptyBytes);
    assert.equal(text(KeyValue.decode(kv ?? emptyBytes).value), 'b');
  });

  it('says who leads, or that nobody does', async () => {
    const world = await WaitingWorld.start();
    const ask = (): string =>
      stateOf(world.begin('/v3electionpb.Election/Leader', LeaderRequest, { name }));
    assert.equal(ask(), '2 election: no leader');
    world.grant(1n);
    campaign(world, 1n, 'a');
    assert.equal(ask(), 'ok');
  });

  it('wants to know the leader that proclaims or resigns', async () => {
    const world = await WaitingWorld.start();
    const missing = '2 "leader" field must be provided';
    assert.equal(proclaim(world, undefined, 'x'), missing);
    assert.equal(resign(world, undefined), missing);
    assert.equal(resign(world, LeaderKey.create()), '2 etcdserver: key is not provided');
  });

  it('does not elect a session that expired while it waited', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    world.grant(2n);
    const leader = leaderKeyOf(campaign(world, 1n, 'a'));
    const waiting = campaign(world, 2n, 'b');
    world.revoke(2n);
    resign(world, leader);
    assert.equal(stateOf(waiting), '2 election: session is expired');
  });

  it('forgets a candidate whose call is gone', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    world.grant(2n);
    campaign(world, 1n, 'a');
    campaign(world, 2n, 'b').cancel();
    world.settle();
    assert.deepEqual(world.keys('e/'), ['e/1']);
  });

  it('tells an observer of every leader and every value, at every member', async () => {
    const world = await WaitingWorld.start(3);
    for (const lease of [1n, 2n]) world.grant(lease);
    const observers = [observe(world), observe(world, world.follower)];
    const first = leaderKeyOf(campaign(world, 1n, 'one'));
    const late = observe(world);
    proclaim(world, first, 'two');
    const second = campaign(world, 2n, 'three');
    resign(world, first);
    world.settle();
    proclaim(world, leaderKeyOf(second), 'four');
    world.settle();
    for (const observer of [...observers, late]) {
      assert.deepEqual(toldBy(observer), ['one', 'two', 'three', 'four']);
      observer.cancel();
    }
    proclaim(world, leaderKeyOf(second), 'five');
    assert.deepEqual(toldBy(late), ['one', 'two', 'three', 'four']);
  });

  it('also of those who led only between two looks', async () => {
    const world = await WaitingWorld.start();
    const { cluster, leader } = world;
    for (const lease of [1n, 2n, 3n, 4n]) world.grant(lease);
    const observer = observe(world);
    for (const lease of [1n, 2n, 3n, 4n]) campaign(world, lease, `c${lease}`);
    // All in one turn of the member: when it looks again, the last leads already.
    for (const lease of [1n, 2n, 3n]) {
      const request = DeleteRangeRequest.encode({ key: utf8(`e/${lease}`) });
      leader.propose(CommandKind.deleteRange, request, () => undefined);
    }
    world.settle();
    assert.deepEqual(toldBy(observer), ['c1', 'c2', 'c3', 'c4']);
    assert.deepEqual(cluster.fatal, []);
  });

  it('also when nobody leads for a while, and the next leads only for a moment', async () => {
    const world = await WaitingWorld.start();
    const observer = observe(world);
    for (const value of ['a', 'b']) {
      const key = utf8('e/x');
      const put = PutRequest.encode({ key, value: utf8(value) });
      world.leader.propose(CommandKind.put, put, () => undefined);
      const gone = DeleteRangeRequest.encode({ key });
      world.leader.propose(CommandKind.deleteRange, gone, () => undefined);
    }
    world.settle();
    assert.deepEqual(toldBy(observer), ['a', 'b']);
  });

  it('waits for an observer that does not read, and leaves nothing out', async () => {
    const world = await WaitingWorld.start();
    const { leader } = world;
    const [observer, reader] = [observe(world), observe(world)];
    observer.hasRoom = false;
    const values = Array.from({ length: 20 }, (_, i) => `v${i}`);
    for (const [i, value] of values.entries()) {
      const put = PutRequest.encode({ key: utf8(`e/${i % 3}`), value: utf8(value) });
      leader.propose(CommandKind.put, put, () => undefined);
      const gone = DeleteRangeRequest.encode({ key: utf8(`e/${i % 3}`) });
      if (i % 2 === 1) leader.propose(CommandKind.deleteRange, gone, () => undefined);
    }
    world.settle();
    assert.equal(observer.messages.length, 1);
    // Its buffer is full after each message from now on.
    for (let i = 0; i < 100; i++) {
      observer.drain();
      observer.hasRoom = false;
      world.settle();
    }
    observer.drain();
    world.settle();
    assert.deepEqual(toldBy(observer), toldBy(reader));
    assert.equal(toldBy(observer).at(-1), 'v18');
  });
});
