import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { AppliedResponse } from '../../src/apply/types.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { Leases } from '../../src/lease/leases.ts';
import { leaseMetrics } from '../../src/server/lease-metrics.ts';
import { LeaseService } from '../../src/server/lease-service.ts';
import { Slicer } from '../../src/server/slicer.ts';
import type { Done } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { errors, failed, ok, type Outcome } from '../../src/wire/errors.ts';
import { LeaseCheckpoints, LeaseExpiry } from '../../src/wire/lease.ts';
import { sampleOf } from '../api/services.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

interface Proposed {
  readonly kind: CommandKind;
  readonly request: Bytes;
  readonly done: Done<AppliedResponse>;
}

/** The lease service of a member whose Raft does what the test says. */
class World {
  readonly scheduler = new ManualScheduler();
  readonly metrics = createMetrics();
  readonly leases = Leases.load([]);
  readonly proposals: Proposed[] = [];
  readonly confirmations: Done<undefined>[] = [];
  isLeader = true;
  term = 5;
  appliedTerm = 5;
  isSettled = true;
  /** How far the clock on the wall is ahead of the monotonic one. */
  wallAheadMs = 0;
  /** ReadIndex rounds are answered at once. */
  isConfirmed = true;
  readonly service: LeaseService;

  constructor(checkpointIntervalMs?: number) {
    const { scheduler } = this;
    this.service = new LeaseService({
      scheduler,
      unixTimeMs: () => 1_790_000_000_000 + scheduler.nowMs() + this.wallAheadMs,
      random: seededRandom(1),
      slicer: new Slicer(scheduler, () => false),
      metrics: leaseMetrics(this.metrics),
      extendMs: 1000,
      checkpointIntervalMs,
      leases: () => this.leases,
      isLeader: () => this.isLeader,
      raftTerm: () => this.term,
      appliedTerm: () => this.appliedTerm,
      isSettled: () => this.isSettled,
      confirm: (done) => {
        if (this.isConfirmed) done(ok(undefined));
        else this.confirmations.push(done);
      },
      propose: (kind, request, done) => void this.proposals.push({ kind, request, done }),
    });
  }

  grant(id: bigint, ttl: number): void {
    const change = { space: 'lease' as const, ...this.leases.grant(id, ttl) };
    this.service.applied([change], CommandKind.leaseGrant);
  }

  revoke(id: bigint): void {
    const change = { space: 'lease' as const, ...this.leases.revoke(id) };
    this.service.applied([change], CommandKind.leaseExpire);
  }

  renew(id: bigint): Outcome<number>[] {
    const outcomes: Outcome<number>[] = [];
    this.service.renew(id, (outcome) => outcomes.push(outcome));
    return outcomes;
  }

  proposed(at: number): Proposed {
    return mustGet(this.proposals[at], `no proposal ${at}`);
  }

  expiry(at: number): LeaseExpiry {
    const { kind, request } = this.proposed(at);
    assert.equal(kind, CommandKind.leaseExpire);
    return LeaseExpiry.decode(request);
  }

  checkpoints(at: number): LeaseCheckpoints {
    const { kind, request } = this.proposed(at);
    assert.equal(kind, CommandKind.leaseCheckpoint);
    return LeaseCheckpoints.decode(request);
  }
}

const applied = ok({ header: undefined });

describe('the lease service of a member', () => {
  it('keeps no clock before an entry of its own term is applied', () => {
    const world = new World();
    world.appliedTerm = 4;
    world.leases.grant(7n, 2);
    world.service.appliedSome();
    world.scheduler.advance(60_000);
    assert.deepEqual(world.renew(7n), [failed(errors.notLeader)]);
    assert.equal(world.proposals.length, 0);
    world.appliedTerm = 5;
    world.service.appliedSome();
    assert.deepEqual(world.renew(7n), [ok(2)]);
  });

  it('acknowledges nothing when its term ended before leadership was confirmed', () => {
    const world = new World();
    world.grant(7n, 2);
    world.service.appliedSome();
    world.isConfirmed = false;
    const outcomes = world.renew(7n);
    world.term = 7;
    world.appliedTerm = 7;
    world.service.appliedSome();
    for (const done of world.confirmations) done(ok(undefined));
    assert.deepEqual(outcomes, [failed(errors.notLeader)]);
  });

  it('decides nothing while leadership is not confirmed', () => {
    const world = new World();
    world.grant(7n, 2);
    world.service.appliedSome();
    world.isConfirmed = false;
    world.scheduler.advance(10_000);
    assert.deepEqual([world.confirmations.length, world.proposals.length], [1, 0]);
    world.isConfirmed = true;
    assert.deepEqual(world.renew(7n), [ok(2)], 'renewals that came meanwhile come first');
    world.confirmations[0]?.(ok(undefined));
    assert.equal(world.proposals.length, 0);
  });

  it('proposes one portion at a time, with its term, and pauses after each', () => {
    const world = new World();
    for (let id = 1n; id <= 250n; id++) world.grant(id, 2);
    world.service.appliedSome();
    world.scheduler.advance(5000);
    assert.equal(world.proposals.length, 1, 'the next waits for the first');
    const taken: number[] = [];
    for (let at = 0; at < 3; at++) {
      const { term, ids } = world.expiry(at);
      assert.equal(term, 5);
      taken.push(ids.length);
      for (const id of ids) world.revoke(id);
      world.proposed(at).done(applied);
      world.scheduler.advance(10);
      assert.equal(world.proposals.length, at + 1, 'a pause between two portions');
      world.scheduler.advance(20);
    }
    assert.deepEqual(taken, [100, 100, 50]);
    assert.equal(sampleOf(world.metrics, 'etcd_debugging_server_lease_expired_total'), 250);
    assert.equal(sampleOf(world.metrics, 'etcd_debugging_lease_granted_total'), 250);
    assert.equal(sampleOf(world.metrics, 'etcd_debugging_lease_revoked_total'), 250);
    assert.equal(sampleOf(world.metrics, 'etcd_debugging_lease_ttl_total_sum'), 500);
  });

  it('keeps to what it decided when it cannot know whether that is in the log', () => {
    const world = new World();
    world.grant(7n, 2);
    world.service.appliedSome();
    world.scheduler.advance(5000);
    const outcomes = world.renew(7n);
    world.proposed(0).done(failed(errors.timeout));
    world.scheduler.advance(1000);
    assert.deepEqual(world.expiry(1), world.expiry(0));
    assert.deepEqual(outcomes, []);
    world.revoke(7n);
    assert.deepEqual(outcomes, [ok(0)]);
  });

  it('renews those who have waited when the expiry is refused', () => {
    const world = new World();
    world.grant(7n, 2);
    world.service.appliedSome();
    world.scheduler.advance(5000);
    const outcomes = world.renew(7n);
    world.proposed(0).done(failed(errors.corrupt));
    assert.deepEqual(outcomes, [ok(2)]);
    assert.equal(sampleOf(world.metrics, 'etcd_debugging_lease_renewed_total'), 1);
  });

  it('sends those who wait to the next leader when its term ends', () => {
    const world = new World();
    world.grant(7n, 2);
    world.service.appliedSome();
    world.scheduler.advance(5000);
    const outcomes = world.renew(7n);
    world.isLeader = false;
    world.service.leaderChanged();
    assert.deepEqual(outcomes, [failed(errors.notLeader)]);
    world.scheduler.advance(60_000);
    assert.equal(world.proposals.length, 1, 'it decides nothing more');
  });
});

describe('a renewal without a round (DIVERGENCE.md)', () => {
  /** A leader of an election timeout of 1 s, with a lease of 60 s and a round that was asked `agoMs` ago. */
  function heardFromQuorum(agoMs: number, more: { takesMs?: number } = {}): World {
    const world = new World();
    world.grant(7n, 60);
    world.service.appliedSome();
    world.isConfirmed = false;
    world.renew(7n);
    const { takesMs = 0 } = more;
    world.scheduler.advance(takesMs);
    for (const done of world.confirmations.splice(0)) done(ok(undefined));
    world.scheduler.advance(agoMs - takesMs);
    return world;
  }

  it('is answered within a sixth of an election timeout of the moment at which a quorum was asked', () => {
    assert.equal(heardFromQuorum(0).service.maybeRenewNow(7n), 60);
    assert.equal(heardFromQuorum(166).service.maybeRenewNow(7n), 60);
    assert.equal(heardFromQuorum(167).service.maybeRenewNow(7n), undefined);
    const slow = heardFromQuorum(100, { takesMs: 100 });
    assert.equal(slow.service.maybeRenewNow(7n), 60);
    slow.scheduler.advance(67);
    assert.equal(
      slow.service.maybeRenewNow(7n),
      undefined,
      'the answer of the quorum tells nothing',
    );
  });

  it('asks again before that is over, once', () => {
    const world = heardFromQuorum(40);
    assert.equal(world.service.maybeRenewNow(7n), 60);
    assert.equal(world.confirmations.length, 0, 'not as long as there is time');
    world.scheduler.advance(5);
    for (let i = 0; i < 3; i++) assert.equal(world.service.maybeRenewNow(7n), 60);
    assert.equal(world.confirmations.length, 1);
    world.scheduler.advance(50);
    world.confirmations[0]?.(ok(undefined));
    world.scheduler.advance(110);
    assert.equal(world.service.maybeRenewNow(7n), 60, 'as of when it was asked');
    world.scheduler.advance(10);
    assert.equal(world.service.maybeRenewNow(7n), undefined);
  });

  it('is not answered where the machine may have slept: where the clock on the wall says something else', () => {
    for (const aheadMs of [60_000, 167, -1, -60_000]) {
      const world = heardFromQuorum(0);
      world.wallAheadMs = aheadMs;
      assert.equal(world.service.maybeRenewNow(7n), undefined);
      world.isConfirmed = true;
      assert.deepEqual(world.renew(7n), [ok(60)]);
      assert.equal(world.service.maybeRenewNow(7n), 60, 'until the next round');
    }
  });

  it('is not answered by one that does not lead, has more to apply, or has offered its place', () => {
    const world = heardFromQuorum(0);
    world.isSettled = false;
    assert.equal(world.service.maybeRenewNow(7n), undefined);
    world.isSettled = true;
    world.isLeader = false;
    assert.equal(world.service.maybeRenewNow(7n), undefined);
    world.isLeader = true;
    assert.equal(world.service.maybeRenewNow(7n), 60);
  });

  it('is not answered in a later term of the same leader by what it heard in an earlier one', () => {
    const world = heardFromQuorum(0);
    world.term = 7;
    world.appliedTerm = 7;
    world.service.appliedSome();
    assert.equal(world.service.maybeRenewNow(7n), undefined);
  });

  it('says that a lease lives, never that it does not', () => {
    const world = heardFromQuorum(0);
    assert.equal(world.service.maybeRenewNow(8n), undefined);
    assert.deepEqual(world.renew(8n), [], 'that is asked for');
    world.leases.checkpoint(7n, 30);
    assert.equal(world.service.maybeRenewNow(7n), undefined);
  });
});

describe('checkpoints of a leader', () => {
  it('are one command at a time: what is cleared comes after what was written down', () => {
    const world = new World(60_000);
    world.grant(7n, 600);
    world.service.appliedSome();
    world.scheduler.advance(62_000);
    const [first] = world.checkpoints(0).checkpoints;
    assert.deepEqual(first, { id: 7n, remainingTtl: 541 });
    const outcomes = [world.renew(7n), world.renew(7n)];
    world.scheduler.advance(100);
    assert.equal(world.proposals.length, 1);
    world.proposed(0).done(applied);
    assert.deepEqual(world.checkpoints(1), {
      term: 5,
      checkpoints: [{ id: 7n, remainingTtl: 0 }],
    });
    assert.deepEqual(outcomes, [[], []]);
    world.proposed(1).done(applied);
    assert.deepEqual(outcomes, [[ok(600)], [ok(600)]]);
  });

  it('that could not be cleared fail the renewal', () => {
    const world = new World(60_000);
    world.leases.grant(7n, 600);
    world.leases.checkpoint(7n, 60);
    world.service.appliedSome();
    const outcomes = world.renew(7n);
    world.scheduler.advance(1);
    world.proposed(0).done(failed(errors.timeout));
    assert.deepEqual(outcomes, [failed(errors.timeout)]);
  });
});
