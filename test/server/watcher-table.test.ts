import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { utf8 } from '../../src/base/bytes.ts';
import { keyRangeOf } from '../../src/mvcc/key-range.ts';
import type { WatcherId } from '../../src/mvcc/types.ts';
import type { WatchSpec } from '../../src/server/types.ts';
import { WatchIds } from '../../src/server/watch-ids.ts';
import { WatchQueue } from '../../src/server/watch-queue.ts';
import { is, WatcherTable } from '../../src/server/watcher-table.ts';
import { WatchWorld } from './watch-world.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const spec: WatchSpec = {
  id: undefined,
  range: keyRangeOf(utf8('k'), utf8('')),
  startRevision: 0,
  prevKv: false,
  noPut: false,
  noDelete: false,
  progressNotify: false,
  fragment: false,
};

function newQueue(): WatchQueue {
  const events = { onWaiting: () => undefined, onTold: () => undefined };
  return new WatchQueue({ receive: () => true }, 1, events);
}

/** Any id that a client may choose, and the ends of their range. */
const id = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom(2n ** 32n, 2n ** 32n - 1n, -(2n ** 32n), 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)),
);

describe('the table of watches', () => {
  it('keeps what a watch was made with', () => {
    const table = new WatcherTable();
    fc.assert(
      fc.property(
        id,
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.record({ prevKv: fc.boolean(), noPut: fc.boolean(), noDelete: fc.boolean() }),
        fc.record({ fragment: fc.boolean(), progressNotify: fc.boolean() }),
        (watchId, startRevision, events, answers) => {
          const queue = newQueue();
          const watcher = table.add(
            { ...spec, startRevision, ...events, ...answers },
            watchId,
            queue,
          );
          assert.equal(table.idOf(watcher), watchId);
          assert.equal(table.startRevisionOf(watcher), startRevision);
          assert.equal(table.nextRevisionOf(watcher), startRevision);
          assert.equal(table.queueOf(watcher), queue);
          assert.equal(table.stateOf(watcher), 'synced');
          assert.deepEqual(
            {
              prevKv: table.is(watcher, is.prevKv),
              noPut: table.is(watcher, is.noPut),
              noDelete: table.is(watcher, is.noDelete),
            },
            { ...events },
          );
          assert.equal(table.is(watcher, is.fragment), answers.fragment);
          assert.equal(table.is(watcher, is.progressNotify), answers.progressNotify);
        },
      ),
    );
  });

  it('uses a number again when its watch is no more, but not while the catch-up holds it', () => {
    const table = new WatcherTable();
    const queue = newQueue();
    const end = (watcher: WatcherId): void => {
      table.setState(watcher, 'over');
      table.release(watcher);
    };
    const [free, held] = [table.add(spec, 0n, queue), table.add(spec, 1n, queue)];
    table.set(held, is.inPass, true);
    end(free);
    end(held);
    assert.equal(table.add(spec, 2n, queue), free);
    assert.ok(![free, held].includes(table.add(spec, 3n, queue)));
    assert.equal(table.queueOf(held), queue);
    table.set(held, is.inPass, false);
    assert.equal(table.maybeFree(held), true);
    assert.equal(table.add({ ...spec, prevKv: true }, 4n, newQueue()), held);
    assert.equal(table.idOf(held), 4n);
  });

  it('finds the watches of a stream by id, whatever ids a client chooses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ id, isRemoval: fc.boolean() })),
        fc.array(id),
        (steps, ids) => {
          const table = new WatcherTable();
          const queue = newQueue();
          const watches = new WatchIds(table);
          const model = new Map<bigint, WatcherId>();
          for (const step of steps) {
            const at = [...model.keys()][Number(BigInt.asUintN(8, step.id)) % (model.size || 1)];
            if (step.isRemoval && at !== undefined) {
              watches.remove(at);
              model.delete(at);
            } else if (!watches.has(step.id)) {
              const watcher = table.add(spec, step.id, queue);
              watches.add(watcher);
              model.set(step.id, watcher);
            }
          }
          assert.equal(watches.size, model.size);
          for (const each of [...ids, ...model.keys()]) {
            assert.equal(watches.find(each), model.get(each) ?? 0);
          }
          const order = Array.from({ length: watches.size }, (_, i) => table.idOf(watches.at(i)));
          assert.deepEqual(
            order,
            order.toSorted((a, b) => (a < b ? -1 : 1)),
          );
        },
      ),
    );
  });
});

describe('a hundred thousand idle watches', () => {
  it('are no objects: what they take lies outside of the heap that is collected', function () {
    this.timeout(60_000);
    const world = new WatchWorld();
    const client = world.open();
    const make = (from: number, count: number): void => {
      for (let i = from; i < from + count; i++) client.create(`idle/${String(i).padStart(9, '0')}`);
      world.settle();
      client.outputs.length = 0;
      collectGarbage();
    };
    make(0, 10_000);
    const before = process.memoryUsage();
    make(10_000, 100_000);
    const after = process.memoryUsage();
    const heapBytes = (after.heapUsed - before.heapUsed) / 100_000;
    const externalBytes = (after.external - before.external) / 100_000;
    assert.ok(heapBytes < 30, `${heapBytes} bytes of heap a watch`);
    assert.ok(heapBytes + externalBytes < 130, `${heapBytes} + ${externalBytes} bytes a watch`);
  });
});
