import assert from 'node:assert/strict';
import type { Bytes } from '../../src/base/bytes.ts';
import { Deadlines } from '../../src/lease/deadlines.ts';
import { LeaseListings } from '../../src/server/lease-listings.ts';
import { Slicer } from '../../src/server/slicer.ts';
import { errors, failed, type Outcome } from '../../src/wire/errors.ts';
import { LeaseLeasesResponse } from '../../src/wire/lease.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

/** Listings of many leases, over deadlines that the test sets. Every slice is of one step, and every step counts. */
class World {
  readonly scheduler = new ManualScheduler();
  readonly deadlines = new Deadlines();
  readonly listings: LeaseListings;
  opened = 0;
  /** How many ids each turn of the event loop has asked for, the first slice included. */
  readonly turns: number[] = [];
  private taken = 0;

  constructor() {
    this.scheduler.lookMs = 10;
    const slicer = new Slicer(this.scheduler, () => false);
    this.listings = new LeaseListings(slicer, () => {
      this.opened += 1;
      return this.counted(this.deadlines.inOrder());
    });
  }

  /** Asks, and answers where the outcome will be. */
  ask(): Outcome<Bytes>[] {
    const outcomes: Outcome<Bytes>[] = [];
    this.listings.list((outcome) => outcomes.push(outcome));
    this.endTurn();
    return outcomes;
  }

  /** One more turn of the event loop. */
  turn(): void {
    this.scheduler.advance(0);
    this.endTurn();
  }

  private endTurn(): void {
    this.turns.push(this.taken);
    this.taken = 0;
  }

  private *counted(ids: Iterable<bigint>): IterableIterator<bigint> {
    for (const id of ids) {
      this.taken += 1;
      yield id;
    }
  }
}

function idsOf(outcomes: readonly Outcome<Bytes>[]): readonly bigint[] {
  const [outcome] = outcomes;
  assert.ok(outcomes.length === 1 && outcome?.ok === true, 'one answer');
  return LeaseLeasesResponse.decode(outcome.value).leases.map(({ id }) => id);
}

describe('the listing of leases', () => {
  it('takes 100,000 of them a few hundred at a time, those that end first before the others', () => {
    const world = new World();
    const dueOf = (id: bigint): number => Number((id * 7919n) % 50_000n);
    for (let id = -50_000n; id < 50_000n; id++) world.deadlines.set(id, dueOf(id));
    const outcomes = world.ask();
    // What changes from now on is not seen.
    world.deadlines.delete(5n);
    world.deadlines.set(6n, 0);
    while (outcomes.length === 0) world.turn();
    assert.ok(Math.max(...world.turns) <= 256, `${Math.max(...world.turns)} in one turn`);
    assert.ok(world.turns.length > 390, `${world.turns.length} turns`);
    const ids = idsOf(outcomes);
    assert.equal(new Set(ids).size, 100_000);
    const dues = ids.map(dueOf);
    assert.deepEqual(
      dues,
      dues.toSorted((a, b) => a - b),
    );
  });

  it('answers at once where there are few leases, or none', () => {
    const world = new World();
    assert.deepEqual(idsOf(world.ask()), []);
    world.deadlines.set(-1n, 2);
    world.deadlines.set(9n, 1);
    assert.deepEqual(idsOf(world.ask()), [9n, -1n]);
  });

  it('goes on one at a time: those who ask meanwhile share the next, which has what they know', () => {
    const world = new World();
    for (let id = 1n; id <= 1000n; id++) world.deadlines.set(id, Number(id));
    const first = world.ask();
    world.deadlines.set(2000n, 2000);
    const later = [world.ask(), world.ask(), world.ask()];
    assert.equal(world.opened, 1);
    for (let turns = 0; turns < 20; turns++) world.turn();
    assert.equal(idsOf(first).includes(2000n), false);
    for (const outcomes of later) assert.equal(idsOf(outcomes).at(-1), 2000n);
    assert.equal(world.opened, 2);
  });

  it('refuses callers when too many wait', () => {
    const world = new World();
    for (let id = 1n; id <= 1000n; id++) world.deadlines.set(id, 0);
    const calls = Array.from({ length: 258 }, () => world.ask());
    assert.deepEqual(calls[257], [failed(errors.tooManyRequests)]);
    for (let turns = 0; turns < 300; turns++) world.turn();
    for (const outcomes of calls.slice(0, 257)) assert.equal(idsOf(outcomes).length, 1000);
    const afterwards = world.ask();
    for (let turns = 0; turns < 10; turns++) world.turn();
    assert.equal(idsOf(afterwards).length, 1000);
  });
});
