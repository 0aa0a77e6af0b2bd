import assert from 'node:assert/strict';
import { emptyBytes, utf8 } from '../../src/base/bytes.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest } from '../../src/wire/kv.ts';
import { LockRequest, LockResponse, UnlockRequest } from '../../src/wire/lock.ts';
import { LeaseTimeToLiveRequest, LeaseTimeToLiveResponse } from '../../src/wire/lease.ts';
import type { RecordedCall } from './caller.ts';
import { send } from '../server/member-calls.ts';
import { stateOf, WaitingWorld } from './waiting-world.ts';

const lock = (world: WaitingWorld, lease: bigint, member?: ServerMember): RecordedCall =>
  world.begin('/v3lockpb.Lock/Lock', LockRequest, { name: utf8('m'), lease }, member);

const unlock = (world: WaitingWorld, lease: bigint): RecordedCall =>
  world.begin('/v3lockpb.Lock/Unlock', UnlockRequest, { key: utf8(`m/${lease.toString(16)}`) });

function answerOf({ answer }: RecordedCall): LockResponse {
  return LockResponse.decode(answer?.messages[0] ?? emptyBytes);
}

describe('the lock service', () => {
  it('gives a lock to one session after the other, in the order in which they asked', async () => {
    const world = await WaitingWorld.start();
    for (const lease of [1n, 2n, 3n, 4n]) world.grant(lease);
    const calls = [1n, 2n, 3n, 4n].map((lease) => lock(world, lease));
    const states = (): readonly string[] => calls.map(stateOf);
    assert.deepEqual(states(), ['ok', 'waits', 'waits', 'waits']);
    unlock(world, 1n);
    assert.deepEqual(states(), ['ok', 'ok', 'waits', 'waits']);
    // The third loses its place; the fourth looks for the next before it, and finds the second.
    unlock(world, 3n);
    assert.deepEqual(states().slice(2), ['waits', 'waits']);
    unlock(world, 2n);
    assert.deepEqual(states().slice(2), ['2 mutex: session is expired', 'ok']);
  });

  it('answers with the own key, and the revision as of which it is held', async () => {
    const world = await WaitingWorld.start();
    world.grant(0xabn);
    world.grant(-5n);
    const held = lock(world, 0xabn);
    const waiting = lock(world, -5n);
    assert.deepEqual(new TextDecoder().decode(answerOf(held).key), 'm/ab');
    assert.equal(answerOf(held).header?.revision, 2);
    unlock(world, 0xabn);
    assert.equal(new TextDecoder().decode(answerOf(waiting).key), 'm/-5');
    assert.equal(answerOf(waiting).header?.revision, 4);
  });

  it('gives a session the lock that it has already', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    lock(world, 1n);
    const again = lock(world, 1n);
    assert.equal(stateOf(again), 'ok');
    assert.deepEqual(world.keys('m/'), ['m/1']);
  });

  it('does not give the lock to a session that expired while it waited (etcd #11408)', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    world.grant(2n);
    lock(world, 1n);
    const waiting = lock(world, 2n);
    world.revoke(2n);
    assert.equal(stateOf(waiting), 'waits');
    unlock(world, 1n);
    assert.equal(stateOf(waiting), '2 mutex: session is expired');
  });

  it('nor to one whose place was lost and taken anew', async () => {
    const world = await WaitingWorld.start();
    for (const lease of [1n, 2n, 3n]) world.grant(lease);
    lock(world, 1n);
    const waiting = lock(world, 2n);
    const behind = lock(world, 3n);
    unlock(world, 2n);
    const anew = lock(world, 2n);
    unlock(world, 1n);
    assert.deepEqual([waiting, behind, anew].map(stateOf), [
      '2 mutex: session is expired',
      'ok',
      'waits',
    ]);
  });

  it('takes a caller that goes away out of the queue, and lets the next one follow', async () => {
    const world = await WaitingWorld.start();
    for (const lease of [1n, 2n, 3n]) world.grant(lease);
    lock(world, 1n);
    const gone = lock(world, 2n);
    const next = lock(world, 3n);
    gone.cancel();
    world.settle();
    assert.deepEqual(world.keys('m/'), ['m/1', 'm/3']);
    unlock(world, 1n);
    assert.equal(stateOf(next), 'ok');
  });

  it('does not take the lock from a session because an old call of it is gone', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    world.grant(2n);
    lock(world, 1n);
    const gone = lock(world, 2n);
    unlock(world, 2n);
    unlock(world, 1n);
    // The session is back with a new key before the old call is cancelled.
    const held = lock(world, 2n);
    gone.cancel();
    world.settle();
    assert.equal(stateOf(held), 'ok');
    assert.deepEqual(world.keys('m/'), ['m/2']);
  });

  it('grants a lease of 60 s to a caller that brings none', async () => {
    const world = await WaitingWorld.start();
    const { key } = answerOf(lock(world, 0n));
    const id = BigInt(`0x${new TextDecoder().decode(key).slice(2)}`);
    const path = '/etcdserverpb.Lease/LeaseTimeToLive';
    const { answer } = world.begin(path, LeaseTimeToLiveRequest, { id, keys: true });
    const times = LeaseTimeToLiveResponse.decode(answer?.messages[0] ?? emptyBytes);
    assert.deepEqual([times.grantedTtl, times.keys.length], [60, 1]);
    world.cluster.advance(70_000);
    assert.deepEqual(world.keys('m/'), []);
  });

  it('refuses with the code Unknown, as etcd, whose service asks through a client', async () => {
    const world = await WaitingWorld.start();
    assert.equal(stateOf(lock(world, 9n)), '2 etcdserver: requested lease not found');
    const empty = world.begin('/v3lockpb.Lock/Unlock', UnlockRequest, {});
    assert.equal(stateOf(empty), '2 etcdserver: key is not provided');
  });

  it('finds the one before it anew when a compaction has come between', async () => {
    const world = await WaitingWorld.start();
    world.grant(1n);
    world.grant(2n);
    lock(world, 1n);
    const waiting = lock(world, 2n);
    const { cluster, leader } = world;
    for (let i = 0; i < 5; i++) cluster.put(leader, 'other', String(i));
    const compaction = CompactionRequest.encode({ revision: 7 });
    assert.equal(send(cluster, leader, CommandKind.compact, compaction), 'ok');
    assert.equal(stateOf(waiting), 'waits');
    unlock(world, 1n);
    assert.equal(stateOf(waiting), 'ok');
  });

  it('is given at every member, also while another takes over the lead', async () => {
    const world = await WaitingWorld.start(3);
    world.grant(1n);
    world.grant(2n);
    assert.equal(stateOf(lock(world, 1n)), 'ok');
    const waiting = lock(world, 2n, world.follower);
    assert.equal(stateOf(waiting), 'waits');
    world.cluster.crash(world.cluster.nameOf(world.leader));
    unlock(world, 1n);
    world.settle();
    assert.equal(stateOf(waiting), 'ok');
    assert.deepEqual(world.cluster.fatal, []);
  });
});
