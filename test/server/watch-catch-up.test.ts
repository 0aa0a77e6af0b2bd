import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { rangeOf } from '../mvcc/rows.ts';
import { WatchWorld, type WatchClient } from './watch-world.ts';

/** Revisions that a watch was told of, and the other things, as text. */
function summary(client: WatchClient, id = 0n): { revisions: number[]; others: string[] } {
  const told = client.told().filter((text) => text.startsWith(`${id} `));
  const others = told.filter((text) => !text.includes(' events '));
  const revisions = told.flatMap((text) =>
    [...text.matchAll(/\((\d+)\)/g)].map(([, revision]) => Number(revision)),
  );
  return { revisions, others };
}

const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('catching up', () => {
  it('sees a deletion at the very revision of the compaction (etcd #19179)', () => {
    const world = new WatchWorld();
    world.put('k', '1');
    world.delete('k');
    world.put('other');
    world.compact(3);
    const client = world.open();
    client.create('k', '', { startRevision: 3, prevKv: true });
    client.create('a', 'z', { startRevision: 3 });
    client.create('k', '', { startRevision: 2 });
    const told = client.told();
    assert.deepEqual(told.slice(3).sort(), [
      '0 events @4: -k(3)',
      '1 events @4: -k(3), other=(4)',
      '2 canceled @0 compacted 3',
    ]);
  });

  it('goes over a long history in slices, with compactions and writes in between', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 3000; i++) world.put(`k${i % 10}`, String(i));
    world.scheduler.lookMs = 2;
    const [range, single] = [world.open(), world.open()];
    range.create('k', 'l', { startRevision: 2 });
    single.create('k3', '', { startRevision: 2 });
    for (let i = 0; i < 50; i++) {
      world.scheduler.advance(4);
      world.put('k3', 'during');
      if (i === 5) world.compact(2 + range.outputs.length * 10);
    }
    world.scheduler.lookMs = 0;
    const { revisions, others } = summary(range);
    assert.deepEqual(others, ['0 created @3001']);
    assert.deepEqual(revisions, upTo(2, world.revision));
    const own = summary(single).revisions;
    assert.equal(own.length, 300 + 50);
    assert.deepEqual(own.at(-1), world.revision);
  });

  it('is cut off by a compaction that passes it, with all it was told before in order', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 3000; i++) world.put(`k${i % 10}`, String(i));
    world.scheduler.lookMs = 4;
    const client = world.open();
    client.create('k', 'l', { startRevision: 2 });
    world.scheduler.advance(12);
    world.compact(2900);
    world.scheduler.lookMs = 0;
    const { revisions, others } = summary(client);
    assert.deepEqual(others, ['0 created @3001', '0 canceled @0 compacted 2900']);
    assert.ok(revisions.length > 0 && revisions.length < 2800, `${revisions.length}`);
    assert.deepEqual(revisions, upTo(2, 1 + revisions.length));
  });

  it('tells nothing more of a watch that is cancelled meanwhile', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 20_000; i++) world.put('k', '');
    world.scheduler.lookMs = 4;
    for (const turns of [1, 2, 3, 4, 5]) {
      const client = world.open();
      client.create('a', 'z', { startRevision: 2 });
      world.scheduler.advance(turns * 4);
      client.watches.cancel(0n);
      world.scheduler.lookMs = 0;
      const told = client.told();
      assert.match(told.at(-1) ?? '', /^0 canceled/);
      assert.equal(told.filter((text) => text.includes('canceled')).length, 1);
      world.scheduler.lookMs = 4;
    }
  });

  it('follows a key with very many versions', () => {
    const world = new WatchWorld();
    const versions = 17_000;
    for (let i = 0; i < versions; i++) world.put('k', String(i));
    const client = world.open();
    client.create('k', '', { startRevision: 2 });
    client.create('k', '', { startRevision: versions });
    world.settle();
    const own = (id: bigint): number =>
      client.outputs.reduce(
        (sum, o) => sum + (o.type === 'events' && o.watchId === id ? o.events.length : 0),
        0,
      );
    assert.deepEqual([own(0n), own(1n)], [versions, 2]);
    assert.deepEqual(summary(client).revisions, upTo(2, versions + 1));
    world.put('k', 'live');
    assert.deepEqual(summary(client).revisions, [versions + 2]);
  });

  it('does not let one far behind hold up one that is near', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 40_000; i++) world.put('k', '');
    world.scheduler.lookMs = 4;
    const [far, near] = [world.open(), world.open()];
    far.create('a', 'z', { startRevision: 2 });
    near.create('a', 'z', { startRevision: world.revision });
    const isTold = (client: WatchClient, revision: number): boolean =>
      client.outputs.some(
        (output) =>
          output.type === 'events' && output.events.length > 0 && output.revision > revision,
      );
    for (let turns = 0; !isTold(near, 0); turns++) {
      assert.ok(turns < 2000, 'the near one is never told');
      world.scheduler.advance(1);
    }
    const behind = far.outputs.reduce((n, o) => n + (o.type === 'events' ? o.events.length : 0), 0);
    assert.ok(behind < 20_000, `the far one had been told of ${behind} first`);
    world.scheduler.lookMs = 0;
    assert.equal(summary(far).revisions.length, 40_000);
  });

  it('reads what many watch once for all of them', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 100; i++) world.put(`k${i}`, 'value');
    const clients = Array.from({ length: 100 }, () => world.open());
    for (const client of clients) {
      client.create('k', 'l', { startRevision: 2 });
      client.create('k', 'm', { startRevision: 50 });
    }
    world.settle();
    assert.equal(world.rows.reads, 100);
    for (const client of clients) assert.deepEqual(summary(client).revisions, upTo(2, 101));
  });

  it('starts with no more than it reads: a key that nobody watches is not read', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 1000; i++) world.put(`other${i}`, 'value');
    world.put('k', 'value');
    const client = world.open();
    client.create('k', 'l', { startRevision: 1 });
    client.create('k', '', { startRevision: 1 });
    world.settle();
    assert.equal(world.rows.reads, 2);
  });
});

describe('a revision', () => {
  const sizesOf = (client: WatchClient): number[] =>
    client.outputs.flatMap((output) => (output.type === 'events' ? [output.events.length] : []));

  it('of more changes than a step looks at is read as a whole', () => {
    const world = new WatchWorld();
    world.txn((txn) => {
      for (let i = 0; i < 1500; i++) txn.put(utf8(`k${i}`), utf8(''), 0n);
    });
    world.put('k', 'next');
    const client = world.open();
    client.create('k', 'l', { startRevision: 2 });
    world.settle();
    assert.deepEqual(sizesOf(client), [1501]);
    assert.equal(new Set(summary(client).revisions.slice(0, 1500)).size, 1);
  });

  it('is told together with others, but no more than a thousand in one response', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 2500; i++) world.put('k', '');
    const client = world.open();
    client.create('k', '', { startRevision: 2 });
    client.create('k', 'l', { startRevision: 2 });
    world.settle();
    assert.deepEqual(sizesOf(client), [1000, 1000, 500, 1000, 1000, 500]);
  });

  it('that does not fit is told as a whole, and then nothing until there is room', () => {
    const world = new WatchWorld();
    const large = 'x'.repeat(600_000);
    for (let round = 0; round < 3; round++) {
      world.txn((txn) => {
        for (const name of ['a', 'b', 'c']) txn.put(utf8(name), utf8(large), 0n);
      });
    }
    const client = world.open();
    client.takes = 1;
    client.create('a', 'd', { startRevision: 2 });
    world.settle();
    client.resume(1);
    world.settle();
    assert.deepEqual(sizesOf(client), [3]);
    assert.equal(world.metric('pending_events'), 0, 'a client that is stuck is read nothing for');
    client.resume();
    world.settle();
    assert.deepEqual(sizesOf(client), [3, 3, 3]);
  });
});

describe('a store that a snapshot replaces', () => {
  it('is gone on from where each watch had come to', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k');
    client.create('a', 'z', { startRevision: 1, prevKv: true });
    world.put('k', '2');
    client.told();
    world.install((ahead) => {
      ahead.put('k', '3');
      ahead.put('x', '4');
    });
    assert.deepEqual(client.told().sort(), [
      '0 events @4: k=3(3)',
      '1 events @4: k=3(3)<2(2), x=4(4)',
    ]);
    world.put('k', '5');
    assert.deepEqual(client.told(), ['0 events @5: k=5(5)', '1 events @5: k=5(5)<3(3)']);
  });

  it('tells a watch on a later revision nothing earlier, progress neither (etcd #20221)', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k', '', { startRevision: 5, progressNotify: true });
    client.create('k', '', { startRevision: 100, progressNotify: true });
    world.put('k', '2');
    world.install((ahead) => {
      for (const value of ['3', '4', '5', '6']) ahead.put('k', value);
    });
    world.scheduler.advance(1100);
    client.watches.requestProgress();
    assert.deepEqual(client.told(), [
      '0 created @1',
      '1 created @1',
      '0 events @6: k=5(5), k=6(6)',
    ]);
    world.scheduler.advance(1100);
    assert.deepEqual(client.told(), ['0 progress @6']);
  });

  it('cancels a watch whose next revision it no longer has', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k');
    client.create('k', '', { startRevision: 10 });
    world.put('k', '2');
    client.told();
    world.install((ahead) => {
      for (const value of ['3', '4', '5']) ahead.put('k', value);
      ahead.store.compact(5);
    });
    assert.deepEqual(client.told(), ['0 canceled @0 compacted 5']);
  });

  it('is not read before it is there', () => {
    const world = new WatchWorld();
    world.put('k', '2');
    world.hub.pause();
    const client = world.open();
    client.create('k', '', { startRevision: 1 });
    assert.deepEqual(client.told(), ['0 created @2']);
    world.install((ahead) => ahead.put('k', '3'));
    assert.deepEqual(client.told(), ['0 events @3: k=2(2), k=3(3)']);
  });

  it('may come in the middle of catching up', () => {
    const world = new WatchWorld();
    for (let i = 0; i < 3000; i++) world.put('k', '');
    world.scheduler.lookMs = 4;
    const client = world.open();
    client.create('a', 'z', { startRevision: 2 });
    world.scheduler.advance(12);
    world.install((ahead) => ahead.put('k', 'new'));
    world.scheduler.lookMs = 0;
    assert.deepEqual(summary(client).revisions, upTo(2, 3002));
  });
});

describe('a step that is full', () => {
  it('ends between revisions, though one has two events of a key', () => {
    const world = new WatchWorld();
    const value = utf8('v'.repeat(3000));
    const revisions = Array.from({ length: 200 }, () =>
      world.txn((txn) => {
        txn.put(utf8('k'), value, 0n);
        txn.deleteRange(rangeOf('k'));
      }),
    );
    const client = world.open();
    client.create('k', '', { startRevision: 1 });
    world.settle();
    const counts = client.outputs.map((output) =>
      output.type === 'events' ? output.events.length : 0,
    );
    assert.ok(counts.length > 2, 'in several steps');
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      2 * revisions.length,
    );
    assert.ok(counts.every((count) => count % 2 === 0));
  });
});
