import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { WatchWorld } from './watch-world.ts';

describe('watches', () => {
  it('are created before they are told of anything, and then of whole revisions, those of a turn at once', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a', 'c');
    world.put('a', '1');
    world.txn((txn) => {
      txn.put(utf8('b'), utf8('2'), 0n);
      txn.put(utf8('c'), utf8('no'), 0n);
      txn.put(utf8('a'), utf8('3'), 0n);
    });
    world.delete('a', '\0');
    assert.deepEqual(client.told(), [
      '0 created @1',
      '0 events @4: a=1(2), b=2(3), a=3(3), -a(4), -b(4)',
    ]);
    world.put('a', '4');
    assert.deepEqual(client.told(), ['0 events @5: a=4(5)']);
  });

  it('are told of progress, and of their end, behind what the same turn has brought', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a');
    client.create('b');
    world.put('a', '1');
    client.watches.requestProgress();
    world.put('b', '2');
    world.put('a', '3');
    client.watches.cancel(0n);
    world.put('a', '4');
    assert.deepEqual(client.told(), [
      '0 created @1',
      '1 created @1',
      '0 events @2: a=1(2)',
      '-1 progress @2',
      '0 events @4: a=3(4)',
      '0 canceled @4',
      '1 events @3: b=2(3)',
    ]);
  });

  it('are told of at most about 256 KiB in one response', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a');
    for (let i = 0; i < 4; i++) world.put('a', 'x'.repeat(100_000));
    const sizes = client.told().map((told) => told.split('(').length - 1);
    assert.deepEqual(sizes, [0, 3, 1]);
  });

  it('have ids from 0 up, past those that a client chose, and no id twice', () => {
    const client = new WatchWorld().open();
    client.create('a');
    client.create('a', '', { id: 1n });
    client.create('a');
    client.create('a', '', { id: 2n });
    client.create('a', 'a');
    assert.equal(client.watches.cancel(1n), true);
    assert.equal(client.watches.cancel(9n), false);
    client.create('a');
    client.create('a', '', { id: 1n });
    assert.deepEqual(client.told(), [
      '0 created @1',
      '1 created @1',
      '2 created @1',
      '-1 refused @1 duplicateId',
      '-1 refused @1 emptyRange',
      '1 canceled @1',
      '3 created @1',
      '1 created @1',
    ]);
  });

  it('leave out what they filter, and tell nothing when that is all', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a', '', { noPut: true, startRevision: 1 });
    client.create('a', '', { noDelete: true });
    client.create('a', '', { noPut: true, noDelete: true });
    world.put('a', '1');
    client.told();
    world.put('a', '2');
    world.delete('a');
    assert.deepEqual(client.told(), ['1 events @3: a=2(3)', '0 events @4: -a(4)']);
  });

  it('share one encoding of an event, however many there are', () => {
    const world = new WatchWorld();
    const clients = Array.from({ length: 50 }, () => world.open());
    clients.forEach((client, i) => client.create('k', i % 2 === 0 ? '' : 'l'));
    world.put('k', 'live');
    world.settle();
    const later = Array.from({ length: 50 }, () => world.open());
    later.forEach((client, i) => client.create('k', i % 2 === 0 ? '' : 'l', { startRevision: 2 }));
    world.settle();
    const encodings = (of: typeof clients): number =>
      new Set(
        of.flatMap(({ outputs }) => outputs.flatMap((o) => ('events' in o ? o.events.list : []))),
      ).size;
    assert.equal(encodings(clients), 1);
    assert.equal(encodings(later), 2, 'one for those of the key, one for those of the range');
    assert.equal(world.rows.reads, 2);
  });

  it('share one list of what one turn brings, if it is the same for them', () => {
    const world = new WatchWorld();
    const [one, other, more] = [world.open(), world.open(), world.open()];
    one.create('a');
    other.create('a');
    more.create('a', 'c');
    world.put('a', '1');
    world.put('a', '2');
    world.put('b', '3');
    world.settle();
    const lists = [one, other, more].map(({ outputs }) =>
      outputs.flatMap((output) => ('events' in output ? [output.events] : [])),
    );
    assert.deepEqual(
      lists.map((list) => list.map(({ length }) => length)),
      [[2], [2], [3]],
    );
    assert.equal(lists[0]?.[0], lists[1]?.[0]);
  });

  it('from a revision in the past are told of everything since then', () => {
    const world = new WatchWorld();
    for (const value of ['1', '2', '3']) world.put('k', value);
    world.put('other');
    world.delete('k');
    const client = world.open();
    client.create('k', '', { startRevision: 3, prevKv: true });
    client.create('a', 'z', { startRevision: 1 });
    client.create('none', '', { startRevision: 1 });
    world.put('k', '6');
    const told = client.told();
    assert.deepEqual(told.slice(0, 3), ['0 created @6', '1 created @6', '2 created @6']);
    assert.deepEqual(told.slice(3).sort(), [
      '0 events @7: k=2(3)<1(2), k=3(4)<2(3), -k(6)<3(4), k=6(7)',
      '1 events @7: k=1(2), k=2(3), k=3(4), other=(5), -k(6), k=6(7)',
    ]);
    world.put('k', '7');
    assert.deepEqual(client.told(), ['0 events @8: k=7(8)<6(7)', '1 events @8: k=7(8)']);
  });

  it('from a revision in the future are told nothing earlier, nor that nothing happened', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k', '', { startRevision: 4, progressNotify: true });
    world.put('k', '2');
    client.watches.requestProgress();
    world.scheduler.advance(5000);
    world.put('k', '3');
    world.put('k', '4');
    client.watches.requestProgress();
    assert.deepEqual(client.told(), ['0 created @1', '0 events @4: k=4(4)', '-1 progress @4']);
  });

  it('give progress again once who waits for a later revision has gone', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a');
    client.create('k', '', { startRevision: 9 });
    client.watches.requestProgress();
    client.watches.cancel(1n);
    client.watches.requestProgress();
    world.put('a');
    client.watches.requestProgress();
    assert.deepEqual(client.told().slice(2), [
      '1 canceled @1',
      '-1 progress @1',
      '0 events @2: a=(2)',
      '-1 progress @2',
    ]);
  });

  it('end with their stream', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k');
    client.create('k', '', { startRevision: 1 });
    client.told();
    assert.equal(world.metric('watcher'), 2);
    client.watches.close();
    client.watches.close();
    world.put('k');
    client.watches.requestProgress();
    assert.deepEqual(client.told(), []);
    assert.deepEqual([world.metric('watcher'), world.metric('watch_stream')], [0, 0]);
  });

  it('of a stream that ends are ended bit by bit, not all in that turn', () => {
    const world = new WatchWorld();
    const [leaving, staying] = [world.open(), world.open()];
    for (let i = 0; i < 5_000; i++) leaving.create(`k${i}`, '', { startRevision: 1 });
    staying.create('k7');
    staying.told();
    for (let i = 0; i < 5_000; i++) leaving.create(`k${i}`, '', { startRevision: 1 });
    leaving.watches.close();
    assert.deepEqual([world.metric('watcher'), world.metric('watch_stream')], [1, 1]);
    assert.equal(world.metric('slow_watcher'), 5_000);
    world.put('k7', 'gone on');
    assert.deepEqual(staying.told(), ['0 events @2: k7=gone on(2)']);
    assert.equal(world.metric('slow_watcher'), 0);
  });

  it('are counted under the names of etcd', () => {
    const world = new WatchWorld();
    const [quick, slow] = [world.open(), world.open()];
    quick.create('k');
    slow.create('k');
    slow.takes = 1;
    world.settle();
    world.put('k', 'x');
    world.settle();
    const figures = ['watch_stream', 'watcher', 'slow_watcher', 'events', 'pending_events'];
    assert.deepEqual(
      figures.map((name) => world.metric(name)),
      [2, 2, 0, 1, 1],
    );
    slow.resume();
    world.settle();
    assert.deepEqual(
      figures.map((name) => world.metric(name)),
      [2, 2, 0, 2, 0],
    );
  });
});

describe('progress', () => {
  it('is told on request once for all, behind every event', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.watches.requestProgress();
    assert.deepEqual(client.told(), [], 'no watch has none');
    client.create('a');
    client.create('b');
    world.put('a', '1');
    client.watches.requestProgress();
    world.put('b', '2');
    assert.deepEqual(client.told(), [
      '0 created @1',
      '1 created @1',
      '0 events @2: a=1(2)',
      '-1 progress @2',
      '1 events @3: b=2(3)',
    ]);
  });

  it('is not told while one watch is behind, or waits, or fell to a compaction', () => {
    const world = new WatchWorld();
    world.put('a', '1');
    const client = world.open();
    client.create('b');
    client.create('a', '', { startRevision: 2 });
    client.watches.requestProgress();
    assert.deepEqual(client.told(), ['0 created @2', '1 created @2', '1 events @2: a=1(2)']);
    client.watches.requestProgress();
    assert.deepEqual(client.told(), ['-1 progress @2']);
    client.create('a', '', { startRevision: 4 });
    client.watches.requestProgress();
    assert.deepEqual(client.told(), ['2 created @2']);
    world.put('c');
    world.put('c');
    world.compact(4);
    client.create('a', '', { startRevision: 3 });
    assert.deepEqual(client.told(), ['3 created @4', '3 canceled @0 compacted 4']);
    client.watches.requestProgress();
    assert.deepEqual(client.told(), []);
    client.watches.cancel(3n);
    client.watches.requestProgress();
    assert.deepEqual(client.told(), ['3 canceled @4', '-1 progress @4']);
  });

  it('is told of each watch that wants it by the clock, but not right after events', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a', '', { progressNotify: true });
    client.create('b', '', { progressNotify: true });
    client.create('c');
    client.told();
    world.scheduler.advance(999);
    assert.deepEqual(client.told(), [], 'the interval, and up to a tenth more');
    world.scheduler.advance(101);
    assert.deepEqual(client.told(), ['0 progress @1', '1 progress @1']);
    world.put('a', '1');
    assert.deepEqual(client.told(), ['0 events @2: a=1(2)']);
    world.scheduler.advance(1100);
    assert.deepEqual(client.told(), ['1 progress @2']);
    world.scheduler.advance(1100);
    assert.deepEqual(client.told(), ['0 progress @2', '1 progress @2']);
    client.watches.close();
    world.scheduler.advance(10_000);
    assert.deepEqual(client.told(), []);
  });

  it('by the clock does not heap up for a client that does not read', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('a', '', { progressNotify: true });
    client.takes = 1;
    world.settle();
    world.scheduler.advance(60_000);
    client.resume();
    assert.deepEqual(client.told(), ['0 created @1']);
    world.scheduler.advance(1100);
    assert.deepEqual(client.told(), ['0 progress @1']);
  });
});

describe('many watches of one key', () => {
  it('are told of every event, each of them', () => {
    const world = new WatchWorld();
    const clients = Array.from({ length: 250 }, () => world.open());
    for (const client of clients) client.create('k');
    const puts = 250;
    for (let i = 0; i < puts; i++) {
      world.put('k', 'v');
      if (i % 10 === 0) world.settle();
    }
    world.settle();
    for (const { outputs } of clients) {
      const told = outputs.map((output) => (output.type === 'events' ? output.events.length : 0));
      assert.equal(
        told.reduce((sum, count) => sum + count, 0),
        puts,
      );
    }
  });
});

describe('fragments', () => {
  const value = 'x'.repeat(300);

  it('part what would be too large, all but the last marked', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k', 'l', { fragment: true });
    client.create('k', 'l');
    world.txn((txn) => {
      for (const i of '12345') txn.put(utf8(`k${i}`), utf8(value), 0n);
    });
    world.settle();
    const parts = client.outputs.flatMap((output) =>
      output.type === 'events' ? [[output.watchId, output.events.length, output.isFragment]] : [],
    );
    assert.deepEqual(parts, [
      [0n, 3, true],
      [0n, 2, false],
      [1n, 5, false],
    ]);
  });

  it('are as many as there are events when each is too large alone', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k', 'l', { fragment: true });
    world.txn((txn) => {
      for (const i of '12') txn.put(utf8(`k${i}`), utf8(value.repeat(5)), 0n);
    });
    world.settle();
    const [, first, last] = client.outputs;
    assert(first?.type === 'events' && last?.type === 'events');
    assert.deepEqual(
      [first.events.length, first.isFragment, last.events.length, last.isFragment],
      [1, true, 1, false],
    );
  });
});

describe('a client that reads slowly', () => {
  const value = 'v'.repeat(50_000);
  const puts = 200;

  /** What it was told of `k`, by revision. */
  function revisionsOf(told: readonly string[]): number[] {
    return told.flatMap((text) => [...text.matchAll(/=v*\((\d+)\)/g)].map(([, at]) => Number(at)));
  }

  it('misses nothing and is told nothing twice, but holds only so much memory', () => {
    const world = new WatchWorld();
    const [slow, quick] = [world.open(), world.open()];
    slow.create('k');
    slow.create('a', 'z');
    quick.create('k');
    slow.takes = 2;
    world.settle();
    for (let i = 0; i < puts; i++) {
      world.put('k', value);
      world.settle();
    }
    const pending = mustGet(world.metric('pending_events'), 'pending events');
    assert.ok(pending <= 22, `${pending} events of 50 kB are held back`);
    assert.equal(world.metric('slow_watcher'), 2);
    const all = Array.from({ length: puts }, (_, i) => i + 2);
    assert.deepEqual(revisionsOf(quick.told()), all, 'others are not held up');
    slow.outputs.splice(0);
    const told: string[] = [];
    for (let rounds = 0; rounds < 1000 && told.length < 2 * puts; rounds++) {
      slow.resume(3);
      told.push(...slow.told());
    }
    for (const id of ['0', '1']) {
      assert.deepEqual(revisionsOf(told.filter((text) => text.startsWith(id))), all);
    }
    assert.equal(world.metric('slow_watcher'), 0);
    slow.resume();
    world.put('k', 'v');
    assert.equal(slow.told().length, 2);
  });

  it('is told that what it missed was compacted, rather than nothing', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k');
    client.create('other');
    client.takes = 2;
    world.settle();
    for (let i = 0; i < puts; i++) world.put('k', value);
    world.compact(world.revision);
    client.resume();
    const told = client.told();
    assert.equal(told.at(-1), `0 canceled @0 compacted ${world.revision}`);
    const seen = revisionsOf(told);
    assert.deepEqual(
      seen,
      seen.map((_, i) => i + 2),
      'what it was told first has no gap',
    );
    world.put('other');
    world.put('k');
    assert.deepEqual(client.told(), [`1 events @${puts + 2}: other=(${puts + 2})`]);
  });

  it('that is caught up is not told of progress ahead of what it missed', () => {
    const world = new WatchWorld();
    const client = world.open();
    client.create('k');
    client.takes = 1;
    world.settle();
    for (let i = 0; i < puts; i++) world.put('k', value);
    client.watches.requestProgress();
    client.resume();
    const told = client.told();
    assert.deepEqual(
      told.filter((text) => text.includes('progress')),
      [],
    );
    client.watches.requestProgress();
    assert.deepEqual(client.told(), [`-1 progress @${puts + 1}`]);
  });
});
