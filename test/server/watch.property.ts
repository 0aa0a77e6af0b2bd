import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { isWithinRange } from '../../src/mvcc/key-range.ts';
import { EventType, DecodedEvent } from '../../src/wire/mvccpb.ts';
import { rangeOf, type TestStore } from '../mvcc/rows.ts';
import { WatchWorld, type WatchClient } from './watch-world.ts';

/** What happened to one key at one revision, and what it had held. */
interface Change {
  readonly revision: number;
  readonly key: string;
  /** Undefined is a deletion. */
  readonly value: string | undefined;
  readonly prev: string | undefined;
}

interface Watch {
  readonly client: WatchClient;
  readonly key: string;
  readonly rangeEnd: string;
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly fragment: boolean;
  /** The revision it must be told everything from. */
  from: number;
  id: bigint | undefined;
  told: Change[];
  /** The revision whose rest has still to come. */
  partial: number | undefined;
  end: { readonly compactRevision: number } | undefined;
  /** Its client has cancelled it, and was not told so yet: perhaps without knowing that a compaction did before. */
  isCancelling: boolean;
}

/** Everything that was written, and every watch with all it was told: the naive side. */
class Oracle {
  readonly changes: Change[] = [];
  readonly watches: Watch[] = [];
  compactRevision = -1;
  private readonly live = new Map<string, string>();

  wrote(revision: number, key: string, value: string | undefined): void {
    this.changes.push({ revision, key, value, prev: this.live.get(key) });
    if (value === undefined) this.live.delete(key);
    else this.live.set(key, value);
  }

  liveKeys(key: string, rangeEnd: string): string[] {
    const range = rangeOf(key, rangeEnd);
    return [...this.live.keys()].filter((each) => isWithinRange(utf8(each), range)).sort();
  }

  wantedBy(watch: Watch): Change[] {
    const range = rangeOf(watch.key, watch.rangeEnd);
    return this.changes.filter(
      ({ revision, key, value }) =>
        revision >= watch.from &&
        isWithinRange(utf8(key), range) &&
        !(value === undefined ? watch.noDelete : watch.noPut),
    );
  }

  /** Takes what a client was told since the last time, checking each thing as it comes. */
  hear(client: WatchClient): void {
    for (const output of client.outputs.splice(0)) {
      const own = this.watches.filter((watch) => watch.client === client);
      const open = own.filter(({ end }) => end === undefined);
      if (output.type === 'progress' && output.watchId === -1n) {
        for (const watch of open) {
          if (watch.id !== undefined) this.checkProgress(watch, output.revision);
        }
        continue;
      }
      const watch =
        output.type === 'created'
          ? own.find(({ id }) => id === undefined)
          : (open.find(({ id }) => id === output.watchId) ??
            own.find(({ id, isCancelling }) => id === output.watchId && isCancelling));
      assert(watch !== undefined, `${output.type} for ${output.watchId}, which is not there`);
      if (output.type === 'created') {
        watch.id = output.watchId;
        watch.from = watch.startRevision === 0 ? output.revision + 1 : watch.startRevision;
      } else if (output.type === 'canceled') {
        if (output.compactRevision !== 0) {
          assert.equal(watch.end, undefined, 'cancelled by compactions twice');
          assert.equal(output.revision, 0);
        } else watch.isCancelling = false;
        watch.end ??= output;
      } else if (output.type === 'progress') this.checkProgress(watch, output.revision);
      else if (output.type === 'events') {
        assert.ok(output.events.length > 0, 'a response without events');
        assert.ok(watch.fragment || !output.isFragment, 'a fragment that was not asked for');
        this.take(watch, output.events.list);
        watch.partial = output.isFragment ? watch.told.at(-1)?.revision : undefined;
        assert.ok(output.revision >= (watch.told.at(-1)?.revision ?? 0), 'the header is behind');
        // Atomic: a response ends with a whole revision, unless more of it is announced.
        if (!output.isFragment) this.checkWhole(watch);
      }
    }
  }

  /** At the end, when everybody has taken everything. */
  checkComplete(watch: Watch, revision: number): void {
    const wanted = this.wantedBy(watch);
    assert.equal(watch.partial, undefined);
    const { end } = watch;
    if (end === undefined || end.compactRevision === 0) {
      if (end === undefined) assert.deepEqual(plain(watch.told), plain(wanted), 'Reliable');
      return;
    }
    assert.ok(end.compactRevision <= this.compactRevision && end.compactRevision <= revision);
    const last = watch.told.at(-1)?.revision ?? watch.from - 1;
    assert.ok(last + 1 < end.compactRevision, 'cancelled, though it had lost nothing');
  }

  /** Ordered, Unique, Reliable: what comes is what comes next. */
  private take(watch: Watch, events: readonly Uint8Array[]): void {
    const wanted = this.wantedBy(watch);
    for (const encoded of events) {
      const { type, kv, prevKv } = DecodedEvent.decode(encoded);
      assert(kv !== undefined);
      const expected = wanted[watch.told.length];
      const change: Change = {
        revision: kv.modRevision,
        key: textOf(kv.key),
        value: type === EventType.DELETE ? undefined : textOf(kv.value),
        prev: prevKv && textOf(prevKv.value),
      };
      assert.deepEqual(plain([change]), plain(expected === undefined ? [] : [expected]));
      this.checkPrev(watch, change, expected?.prev);
      watch.told.push(change);
    }
  }

  private checkPrev(watch: Watch, { revision, prev }: Change, expected: string | undefined): void {
    if (!watch.prevKv) assert.equal(prev, undefined);
    else if (prev !== undefined || revision > this.compactRevision) assert.equal(prev, expected);
  }

  private checkWhole(watch: Watch): void {
    const next = this.wantedBy(watch)[watch.told.length];
    assert.notEqual(next?.revision, watch.told.at(-1)?.revision, 'a revision was split');
  }

  /** Bookmarkable; and nothing is said of revisions before a watch's start. */
  private checkProgress(watch: Watch, revision: number): void {
    assert.equal(watch.partial, undefined);
    assert.ok(revision >= watch.startRevision, 'progress ahead of the start');
    const wanted = this.wantedBy(watch).filter((change) => change.revision <= revision);
    assert.equal(watch.told.length, wanted.length, 'progress ahead of events');
  }
}

function plain(changes: readonly Change[]): unknown[] {
  return changes.map(({ revision, key, value }) => [revision, key, value]);
}

interface World {
  readonly world: WatchWorld;
  readonly oracle: Oracle;
  readonly clients: WatchClient[];
}

interface Step {
  /** What a failed run shows of it. */
  readonly toString: () => string;
  readonly run: (all: World) => void;
}

const keys = ['a', 'b', 'ba', 'c', 'd'] as const;
const key = fc.constantFrom(...keys);
const end = fc.constantFrom('', '', '\0', 'b', 'c', 'zz');
/** Large enough now and then that a stream's queue fills. */
const value = fc.record({ text: fc.nat(99), bytes: fc.constantFrom(0, 0, 100, 400, 200_000) });
const asText = ({ text, bytes }: { text: number; bytes: number }): string =>
  `${text}${'x'.repeat(bytes)}`;

function writeAll(
  { world, oracle }: World,
  puts: readonly { key: string; value: { text: number; bytes: number } }[],
): void {
  const byKey = new Map(puts.map((each) => [each.key, asText(each.value)]));
  const revision = world.revision + 1;
  world.txn((txn) => {
    for (const [name, text] of byKey) txn.put(utf8(name), utf8(text), 0n);
  });
  for (const [name, text] of byKey) oracle.wrote(revision, name, text);
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.record({ key, value }), { minLength: 1, maxLength: 4 })
      .map((puts): Step => ({ toString: () => 'put', run: (all) => writeAll(all, puts) })),
  },
  {
    weight: 2,
    arbitrary: fc.record({ key, end }).map(({ key: from, end: to }): Step => ({
      toString: () => `delete ${from}..${to}`,
      run: ({ world, oracle }) => {
        const ended = oracle.liveKeys(from, to);
        const revision = world.delete(from, to);
        for (const each of ended) oracle.wrote(revision, each, undefined);
      },
    })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        client: fc.nat(),
        key,
        end,
        back: fc.oneof(fc.constant(undefined), fc.integer({ min: -8, max: 40 })),
        prevKv: fc.boolean(),
        noPut: fc.boolean(),
        noDelete: fc.boolean(),
        fragment: fc.boolean(),
      })
      .map(({ client, key: from, end: to, back, noPut, noDelete, ...flags }): Step => ({
        toString: () => `watch ${from}..${to} ${back} back`,
        run: ({ world, oracle, clients }) => {
          const watching = clients[client % clients.length];
          if (watching === undefined || (to !== '' && to !== '\0' && to <= from)) return;
          const startRevision = back === undefined ? 0 : Math.max(1, world.revision - back);
          const filters = { noPut: noPut && noDelete, noDelete: noDelete && !noPut };
          const asked = { startRevision, ...filters, ...flags };
          oracle.watches.push({
            client: watching,
            key: from,
            rangeEnd: to,
            ...asked,
            from: 0,
            id: undefined,
            told: [],
            partial: undefined,
            end: undefined,
            isCancelling: false,
          });
          watching.create(from, to, { ...asked, progressNotify: true });
        },
      })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ back: fc.nat(20), isWhole: fc.boolean() })
      .map(({ back, isWhole }): Step => ({
        toString: () => `compact ${back} back`,
        run: ({ world, oracle }) => {
          const revision = world.revision - back;
          if (revision <= Math.max(world.store.compactRevision, 0)) return;
          oracle.compactRevision = revision;
          world.compact(revision, isWhole);
        },
      })),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.record({ key, value }), { maxLength: 12 }).map((puts): Step => ({
      toString: () => `install ${puts.length} ahead`,
      run: ({ world, oracle }) =>
        world.install((ahead: TestStore) => {
          for (const each of puts) {
            const revision = ahead.put(each.key, asText(each.value));
            oracle.wrote(revision, each.key, asText(each.value));
          }
        }),
    })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ client: fc.nat(), takes: fc.nat(4) }).map(({ client, takes }): Step => ({
      toString: () => `client takes ${takes}`,
      run: ({ clients }) => clients[client % clients.length]?.resume(takes + 1),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ watch: fc.nat() }).map(({ watch }): Step => ({
      toString: () => 'cancel',
      run: ({ oracle }) => {
        const chosen = oracle.watches[watch % Math.max(1, oracle.watches.length)];
        if (chosen?.id !== undefined && chosen.end === undefined) {
          chosen.isCancelling = true;
          chosen.client.watches.cancel(chosen.id);
        }
      },
    })),
  },
  {
    weight: 2,
    arbitrary: fc.nat().map((client): Step => ({
      toString: () => 'ask for progress',
      run: ({ clients }) => clients[client % clients.length]?.watches.requestProgress(),
    })),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(0, 1, 2, 2000).map((ms): Step => ({
      toString: () => `${ms} ms`,
      run: ({ world }) => world.scheduler.advance(ms),
    })),
  },
);

describe('any watches of any history', () => {
  it('are ordered, unique, atomic, reliable and bookmarkable (I23 to I32)', function () {
    this.timeout(120_000);
    const runs = Number(process.env['WATCH_RUNS'] ?? 150);
    fc.assert(
      fc.property(
        fc.array(anyStep, { minLength: 5, maxLength: 80, size: 'max' }),
        fc.boolean(),
        (steps, slow) => {
          const world = new WatchWorld();
          // Each look at the clock then takes long: work is done in many slices, with other things between.
          world.scheduler.lookMs = slow ? 3 : 0;
          const clients = [world.open(), world.open(), world.open()];
          const all: World = { world, oracle: new Oracle(), clients };
          for (const { run } of steps) {
            run(all);
            for (const client of clients) all.oracle.hear(client);
          }
          world.scheduler.lookMs = 0;
          for (const client of clients) client.resume();
          world.settle();
          for (const client of clients) all.oracle.hear(client);
          for (const watch of all.oracle.watches) all.oracle.checkComplete(watch, world.revision);
          assert.equal(world.metric('slow_watcher'), 0);
          assert.equal(world.metric('pending_events'), 0);
        },
      ),
      { numRuns: runs },
    );
  });
});
