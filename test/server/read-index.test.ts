import assert from 'node:assert/strict';
import { binaryString, utf8 } from '../../src/base/bytes.ts';
import { ReadIndexQueue } from '../../src/server/read-index.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

/** How reads wait for their index, in rounds; what the core answers is played by hand. */

function readers() {
  const scheduler = new ManualScheduler();
  const answered: string[] = [];
  const prefetched: string[][] = [];
  const queue = new ReadIndexQueue(
    {
      scheduler,
      timeoutMs: 7000,
      wake: () => undefined,
      appliedIndex: () => 10,
      prefetch: (keys) => void prefetched.push(keys.map((key) => binaryString(key))),
      onSlow: () => undefined,
      onFailed: () => undefined,
    },
    100,
  );
  const read = (name: string): void =>
    queue.wait(({ ok }) => void answered.push(`${name} ${ok ? 'read' : 'failed'}`));
  return { scheduler, queue, answered, prefetched, read };
}

describe('a read that is asked again (etcd #20418)', () => {
  it('is asked under a new context, and a late answer to the old one serves no read that came later', () => {
    const { scheduler, queue, answered, read } = readers();
    read('first');
    const before = queue.takeContext();
    assert.ok(before !== undefined);
    scheduler.advance(500);
    read('second');
    const again = queue.takeContext();
    assert.ok(again !== undefined);
    assert.notEqual(again, before);
    queue.readConfirmed([{ context: before, index: 9 }]);
    assert.deepEqual(answered, ['first read']);
    queue.readConfirmed([{ context: again, index: 9 }]);
    assert.deepEqual(answered, ['first read']);
    const next = queue.takeContext();
    assert.ok(next !== undefined && next !== again && next !== before);
    for (const context of [before, again]) queue.readConfirmed([{ context, index: 9 }]);
    assert.deepEqual(
      answered,
      ['first read'],
      'nor one that came while its own round is under way',
    );
    queue.readConfirmed([{ context: next, index: 10 }]);
    assert.deepEqual(answered, ['first read', 'second read']);
  });

  it('never comes back to a context, however often it is asked', () => {
    const { scheduler, queue, read } = readers();
    const contexts: (number | undefined)[] = [];
    for (let round = 0; round < 3; round++) {
      read('again and again');
      for (let i = 0; i < 5; i++) {
        contexts.push(queue.takeContext());
        scheduler.advance(500);
      }
      queue.readConfirmed([{ context: contexts.at(-1) ?? 0, index: 10 }]);
    }
    assert.ok(!contexts.includes(undefined));
    assert.equal(new Set(contexts).size, contexts.length);
  });
});

describe('a read whose index is known', () => {
  it('waits until that is applied, and no longer', () => {
    const { queue, answered, read } = readers();
    for (const [name, index] of [
      ['at hand', 10],
      ['next', 11],
      ['later', 13],
    ] as const) {
      read(name);
      const context = queue.takeContext();
      assert.ok(context !== undefined);
      queue.readConfirmed([{ context, index }]);
    }
    assert.deepEqual(answered, ['at hand read']);
    queue.appliedUpTo(11);
    assert.deepEqual(answered, ['at hand read', 'next read']);
    queue.appliedUpTo(12);
    assert.equal(answered.length, 2);
    queue.appliedUpTo(13);
    assert.equal(answered.length, 3);
  });
});

describe('many reads of one round', () => {
  function confirmedRound(count: number) {
    const readersOfRound = readers();
    for (let i = 0; i < count; i++) readersOfRound.read(`${i}`);
    const context = readersOfRound.queue.takeContext();
    assert.ok(context !== undefined);
    readersOfRound.queue.readConfirmed([{ context, index: 10 }]);
    return readersOfRound;
  }

  it('are answered over several turns, each once and in order', () => {
    const { scheduler, answered } = confirmedRound(1_000);
    const perTurn = answered.length;
    assert.ok(perTurn > 0 && perTurn < 1_000);
    for (let turns = 1; answered.length < 1_000; turns++) {
      assert.equal(answered.length, turns * perTurn);
      scheduler.advance(0.001);
      assert.ok(turns < 1_000);
    }
    assert.deepEqual(
      answered,
      Array.from({ length: 1_000 }, (_, i) => `${i} read`),
    );
  });

  it('are answered for some milliseconds a turn, where each takes long', () => {
    const { scheduler, queue, answered } = readers();
    for (let i = 0; i < 100; i++) {
      queue.wait(() => {
        scheduler.timeMs += 1;
        answered.push(`${i}`);
      });
    }
    const context = queue.takeContext();
    assert.ok(context !== undefined);
    queue.readConfirmed([{ context, index: 10 }]);
    assert.ok(answered.length > 0 && answered.length < 20, `${answered.length} in one turn`);
    for (let turns = 0; answered.length < 100; turns++) {
      scheduler.advance(0.001);
      assert.ok(turns < 100);
    }
  });

  it('fail when the member stops in between, but for those that were answered', () => {
    const { scheduler, queue, answered } = confirmedRound(1_000);
    const read = answered.length;
    queue.failAll();
    scheduler.advance(10);
    assert.equal(answered.length, 1_000);
    assert.deepEqual(answered.slice(read - 1, read + 1), [`${read - 1} read`, `${read} failed`]);
  });
});

describe('reads of single keys', () => {
  it('have what they need brought into memory before the first of them goes ahead', () => {
    const { queue, answered, prefetched } = readers();
    for (const name of ['a', 'b', 'c']) {
      queue.wait(() => answered.push(`${name} after ${prefetched.length}`), utf8(name));
    }
    queue.wait(() => answered.push('a range'));
    const context = queue.takeContext();
    assert.ok(context !== undefined);
    queue.readConfirmed([{ context, index: 10 }]);
    assert.deepEqual(prefetched, [['a', 'b', 'c']]);
    assert.deepEqual(answered, ['a after 1', 'b after 1', 'c after 1', 'a range']);
  });

  it('that need no index go ahead together at the end of the turn, without a round', () => {
    const { scheduler, queue, answered, prefetched } = readers();
    for (const name of ['a', 'b']) queue.waitForTurn(() => answered.push(name), utf8(name));
    assert.deepEqual(answered, []);
    assert.equal(queue.takeContext(), undefined);
    scheduler.advance(0.001);
    assert.deepEqual(answered, ['a', 'b']);
    assert.deepEqual(prefetched, [['a', 'b']]);
  });

  it('fail where the member stops before the turn ends', () => {
    const { scheduler, queue, answered } = readers();
    queue.waitForTurn(({ ok }) => answered.push(ok ? 'read' : 'failed'), utf8('a'));
    queue.failAll();
    scheduler.advance(0.001);
    assert.deepEqual(answered, ['failed']);
  });
});
