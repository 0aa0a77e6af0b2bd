import assert from 'node:assert/strict';
import { StateMachine } from '../../src/apply/machine.ts';
import { Alarms } from '../../src/apply/alarms.ts';
import { Leases } from '../../src/lease/leases.ts';
import { Membership } from '../../src/membership/membership.ts';
import { ApplyLoop, type ApplyLoopParts } from '../../src/server/apply-loop.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { Slicer } from '../../src/server/slicer.ts';
import type { WatchOutput } from '../../src/server/types.ts';
import { CommandKind, CommandOrigin } from '../../src/wire/command.ts';
import type { Outcome } from '../../src/wire/errors.ts';
import {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  type DeleteRangeResponse,
  type RangeResponse,
  type TxnResponse,
} from '../../src/wire/kv.ts';
import { LeaseGrantRequest, LeaseRevokeRequest } from '../../src/wire/lease.ts';
import { putOp, rangeOp } from '../apply/harness.ts';
import { TestStore, rangeOf } from '../mvcc/rows.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';

/**
 * Entries that take long (a DeleteRange of very many keys, the end of a lease that has them) are applied in steps. Time
 * passes with every look at the clock here, so that each takes many turns.
 */

const keyCount = 3000;
const lease = 77n;
const prefix = { key: bytesOf('k'), rangeEnd: bytesOf('l') };

interface Sight {
  readonly revision: number;
  readonly count: number;
}

class World {
  readonly cluster: MemoryCluster;
  readonly leader: ServerMember;

  private constructor(cluster: MemoryCluster) {
    this.cluster = cluster;
    cluster.until('a leader', () => cluster.leader !== undefined);
    const { leader } = cluster;
    assert.ok(leader !== undefined);
    this.leader = leader;
  }

  /** Members that hold `keyCount` keys of one lease, everywhere applied. */
  static async start(size: number): Promise<World> {
    const world = new World(await MemoryCluster.start(size));
    const { cluster, leader } = world;
    const grant = LeaseGrantRequest.encode({ id: lease, ttl: 10_000 });
    assert.ok(cluster.answer((done) => leader.propose(CommandKind.leaseGrant, grant, done)).ok);
    for (let i = 0; i < keyCount; i += 100) {
      const puts = Array.from({ length: 100 }, (_, j) => {
        const put = { key: bytesOf(`k${10_000 + i + j}`), value: bytesOf(`${i + j}`), lease };
        return { request: { case: 'requestPut' as const, value: PutRequest.create(put) } };
      });
      const txn = TxnRequest.encode({ success: puts });
      assert.ok(cluster.answer((done) => leader.propose(CommandKind.txn, txn, done)).ok);
    }
    cluster.until('all have applied it', () =>
      cluster.members.every(({ revision }) => revision === leader.revision),
    );
    return world;
  }

  /** From now on time passes while a member works. */
  slowDown(): void {
    this.cluster.scheduler.lookMs = 1;
  }

  deleteAll(prevKv = false): { answer: Outcome<DeleteRangeResponse> | undefined } {
    const deletion: { answer: Outcome<DeleteRangeResponse> | undefined } = { answer: undefined };
    const request = DeleteRangeRequest.encode({ ...prefix, prevKv });
    this.leader.propose(CommandKind.deleteRange, request, (outcome) => {
      deletion.answer = outcome as Outcome<DeleteRangeResponse>;
    });
    return deletion;
  }

  /** Reads in every way that there is, as the member is now; the answers come when they come. */
  lookAt(member: ServerMember, seen: Sight[]): void {
    const see = (response: RangeResponse | undefined, revision?: number): void => {
      const at = revision ?? response?.header?.revision ?? 0;
      seen.push({ revision: at, count: response?.kvs.length ?? 0 });
    };
    const request = RangeRequest.create({ ...prefix, serializable: true });
    member.range(request, (outcome) => see(outcome.ok ? outcome.value : undefined));
    const countOnly = RangeRequest.create({ ...prefix, countOnly: true });
    member.range(countOnly, (outcome) => {
      assert.ok(outcome.ok);
      seen.push({ revision: outcome.value.header?.revision ?? 0, count: outcome.value.count });
    });
    // The first to go.
    member.range(RangeRequest.create({ key: bytesOf('k10000') }), (outcome) => {
      assert.ok(outcome.ok);
      const { count, header } = outcome.value;
      seen.push({ revision: header?.revision ?? 0, count: count * keyCount });
    });
    const twice = { success: [rangeOp(prefixText), rangeOp(prefixText)] };
    member.readTxn(TxnRequest.create(twice), (outcome) => {
      assert.ok(outcome.ok);
      for (const { response } of outcome.value.responses) {
        assert.equal(response?.case, 'responseRange');
        see(response.value as RangeResponse, outcome.value.header?.revision);
      }
    });
  }
}

const prefixText = { key: 'k', rangeEnd: 'l' };

function revisionOf(outcome: Outcome<DeleteRangeResponse | TxnResponse> | undefined): number {
  assert.ok(outcome?.ok === true);
  return outcome.value.header?.revision ?? 0;
}

describe('an entry that takes long', () => {
  it('is seen by nobody before it is whole, and the member goes on meanwhile', async () => {
    const world = await World.start(3);
    const { cluster, leader } = world;
    const before = leader.revision;
    const { term } = leader;
    world.slowDown();
    const deletion = world.deleteAll();
    const seen: Sight[] = [];
    let turns = 0;
    while (deletion.answer === undefined) {
      cluster.advance(1);
      turns++;
      for (const member of cluster.members) world.lookAt(member, seen);
      assert.ok(turns < 2000, 'it comes to its end');
    }
    assert.ok(turns > 5, `${turns} turns`);
    cluster.advance(500);
    assert.equal(deletion.answer.ok && deletion.answer.value.deleted, keyCount);
    const revision = revisionOf(deletion.answer);
    assert.equal(revision, before + 1);
    assert.ok(seen.length > 20, `${seen.length} sights`);
    for (const { revision: at, count } of seen) assert.equal(count, at < revision ? keyCount : 0);
    assert.deepEqual([leader.isLeader, leader.term], [true, term]);
    for (const member of cluster.members) assert.equal(member.revision, revision);
    assert.deepEqual(cluster.fatal, []);
  });

  it('answers all that was there before', async () => {
    const world = await World.start(1);
    world.slowDown();
    const deletion = world.deleteAll(true);
    world.cluster.until('an answer', () => deletion.answer !== undefined);
    assert.ok(deletion.answer?.ok === true);
    assert.equal(deletion.answer.value.prevKvs.length, keyCount);
  });

  it('lets those read who have waited before the next such entry', async () => {
    const world = await World.start(1);
    const { cluster, leader } = world;
    world.slowDown();
    const read = RangeRequest.create({ ...prefix, limit: 1 });
    let answered = 0;
    let writes = 0;
    for (let i = 0; i < 5; i++) {
      // Long, whatever it changes.
      const ops = Array.from({ length: 100 }, (_, j) => putOp({ key: `p${j}`, value: `${i}` }));
      const request = TxnRequest.encode({ success: [...ops, rangeOp(prefixText)] });
      leader.propose(CommandKind.txn, request, () => {
        writes++;
      });
    }
    leader.readIndex(() => leader.range(read, () => (answered = writes)));
    cluster.until('all are written', () => writes === 5);
    assert.ok(answered > 0 || writes === 5);
    assert.notEqual(answered, 5, 'who asked before them need not wait for all');
  });

  it('is told to watches as one revision, and whole to one that began meanwhile', async () => {
    const world = await World.start(1);
    const { cluster, leader } = world;
    const told: WatchOutput[][] = [[], []];
    const ofFirstKey: WatchOutput[] = [];
    const open = (outputs: WatchOutput[], range = rangeOf('k', 'l')): void => {
      const watches = leader.openWatches({
        receive: (output) => {
          outputs.push(output);
          return true;
        },
      });
      const off = { prevKv: false, noPut: false, noDelete: false };
      const rest = { ...off, progressNotify: false, fragment: false };
      watches.create({ id: undefined, range, startRevision: 0, ...rest });
    };
    open(told[0] as WatchOutput[]);
    world.slowDown();
    const deletion = world.deleteAll();
    cluster.until(
      'it is under way',
      () => leader.status().raftIndex > leader.status().raftAppliedIndex,
    );
    cluster.advance(10);
    assert.equal(deletion.answer, undefined);
    open(told[1] as WatchOutput[]);
    // It is gone already, by an entry that nobody has seen whole yet.
    open(ofFirstKey, rangeOf('k10000'));
    cluster.until('an answer', () => deletion.answer !== undefined);
    const revision = revisionOf(deletion.answer);
    cluster.advance(2000);
    for (const outputs of told) {
      const events = outputs.filter(({ type }) => type === 'events');
      assert.deepEqual(
        events.map((output) => output.type === 'events' && [output.revision, output.events.length]),
        [[revision, keyCount]],
      );
    }
    assert.deepEqual(
      ofFirstKey.map((output) => output.type === 'events' && output.events.length),
      [false, 1],
    );
  });

  it('is the end of a lease with many keys as well', async () => {
    const world = await World.start(3);
    const { cluster, leader } = world;
    world.slowDown();
    const request = LeaseRevokeRequest.encode({ id: lease });
    const revoked: unknown[] = [];
    leader.propose(CommandKind.leaseRevoke, request, (outcome) => revoked.push(outcome));
    const seen: Sight[] = [];
    const before = leader.revision;
    for (let turns = 0; revoked.length === 0; turns++) {
      cluster.advance(1);
      for (const member of cluster.members) world.lookAt(member, seen);
      assert.ok(turns < 2000, 'it comes to its end');
    }
    cluster.advance(500);
    for (const { revision: at, count } of seen) assert.equal(count, at <= before ? keyCount : 0);
    for (const member of cluster.members) assert.equal(member.revision, before + 1);
    assert.deepEqual(cluster.fatal, []);
  });

  it('is applied again from the log, whole, when the member was killed within it', async () => {
    for (const killedAfterMs of [1, 4, 9]) {
      const world = await World.start(1);
      const { cluster, leader } = world;
      const before = leader.revision;
      world.slowDown();
      const deletion = world.deleteAll();
      cluster.until(
        'it is under way',
        () => leader.status().raftIndex > leader.status().raftAppliedIndex,
      );
      cluster.advance(killedAfterMs);
      assert.equal(deletion.answer, undefined);
      cluster.crash('m1');
      cluster.scheduler.lookMs = 0;
      const back = await cluster.startMember('m1');
      cluster.until('it is back', () => back.isLeader && back.revision === before + 1);
      const left = cluster.answer<RangeResponse>((done) =>
        back.range(RangeRequest.create(prefix), done),
      );
      assert.equal(left.ok && left.value.count, 0);
      assert.deepEqual(cluster.fatal, []);
    }
  });

  it('ends with the member that is told to stop', async () => {
    const world = await World.start(1);
    const deletion = world.deleteAll();
    world.slowDown();
    world.cluster.advance(5);
    world.cluster.stop('m1');
    world.cluster.advance(1000);
    assert.equal(deletion.answer?.ok, false);
    assert.deepEqual(world.cluster.fatal, []);
  });
});

describe('a snapshot that is installed within an entry that takes long', () => {
  it('takes the place of what was done of it, and those who waited go on', () => {
    const test = new TestStore();
    for (let i = 0; i < 1000; i++) test.put(`k${i}`);
    const parts = {
      leases: Leases.load([]),
      alarms: Alarms.load([]),
      membership: Membership.load([]),
    };
    const machine = new StateMachine({ revisions: test.store, ...parts });
    const scheduler = new ManualScheduler();
    const half: boolean[] = [];
    const confState = {
      voters: [],
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    };
    const loop = new ApplyLoop(
      machine,
      { index: 4, term: 1, confState } as never,
      {
        scheduler,
        slicer: new Slicer(scheduler, () => false),
        storeLoop: {
          isFull: false,
          add: () => undefined,
          beginEntry: () => undefined,
          endEntry: (last: () => void) => last(),
        },
        proposals: { applied: () => undefined },
        onHalfApplied: (isHalf: boolean) => half.push(isHalf),
        onRows: () => undefined,
        onApplied: () => undefined,
        onChanged: () => undefined,
        applyTook: () => undefined,
      } as unknown as ApplyLoopParts,
    );
    scheduler.lookMs = 2;
    const request = DeleteRangeRequest.encode(prefix);
    const data = new CommandOrigin(1n, 1).encode(CommandKind.deleteRange, 1, request);
    loop.enqueue([{ term: 1, index: 5, type: 'normal', data }]);
    assert.deepEqual(half, [true]);
    loop.pause();
    scheduler.advance(1000);
    assert.deepEqual([half, loop.applied.index], [[true], 4]);
    const received = new TestStore();
    received.put('a');
    const next = new StateMachine({ revisions: received.store, ...parts });
    loop.restart(next, { index: 9, term: 1, confState } as never);
    assert.deepEqual(half, [true, false]);
    loop.enqueue([{ term: 1, index: 10, type: 'normal', data }]);
    scheduler.advance(1000);
    assert.equal(loop.applied.index, 10);
    assert.equal(received.store.revision, 2);
  });
});
