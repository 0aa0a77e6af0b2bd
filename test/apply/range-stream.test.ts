import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { firstChunkKeys, RangeStreamCursor } from '../../src/apply/range-stream.ts';
import { concatBytes } from '../../src/base/bytes.ts';
import type { RevisionStore } from '../../src/mvcc/types.ts';
import { errors, type Outcome } from '../../src/wire/errors.ts';
import { RangeResponse, type RangeRequest } from '../../src/wire/kv.ts';
import { keys, Machine, range, refusal, show, value } from './harness.ts';
import { storeKinds } from './stores.ts';

const chunkBytes = 1_572_864;

function collect(
  store: RevisionStore,
  request: RangeRequest,
  between: (chunk: RangeResponse) => void = () => undefined,
  aim = chunkBytes,
): Outcome<readonly RangeResponse[]> {
  const opened = RangeStreamCursor.open(store, request, aim);
  if (!opened.ok) return opened;
  const chunks: RangeResponse[] = [];
  for (;;) {
    while (!opened.value.advance(7, 1000).isDone);
    const next = opened.value.chunk();
    if (!next.ok) return next;
    chunks.push(next.value.response);
    if (next.value.isLast) return { ok: true, value: chunks };
    between(next.value.response);
  }
}

const merged = (chunks: readonly RangeResponse[]): RangeResponse =>
  RangeResponse.decode(concatBytes(chunks.map((chunk) => RangeResponse.encode(chunk))));

// etcd server/etcdserver/v3_server.go, `rangeStream`.
for (const [name, newStore] of storeKinds) {
  describe(`RangeStream on ${name}`, () => {
    const all = { key: 'k', rangeEnd: '\0' };
    function filled(count: number, text = 'v'): Machine {
      const machine = new Machine(newStore());
      for (let i = 0; i < count; i++) machine.put({ key: `k${1000 + i}`, value: text });
      return machine;
    }

    it('merges to what Range answers', () => {
      const machine = filled(60);
      const limits = fc.constantFrom(0, 1, 9, 10, 11, 30, 59, 60, 61, -1);
      const bounds = fc.constantFrom('k', 'k1007', 'k1050', 'k2');
      const requests = fc.record({
        key: bounds,
        rangeEnd: fc.oneof(bounds, fc.constantFrom('', '\0', 'k1030')),
        limit: limits,
        revision: fc.constantFrom(0, 30, 61),
        keysOnly: fc.boolean(),
        countOnly: fc.boolean(),
      });
      fc.assert(
        fc.property(requests, fc.constantFrom(50, 400, chunkBytes), (fields, aim) => {
          const chunks = value(collect(machine.store, range(fields), undefined, aim));
          assert.deepEqual(merged(chunks), value(machine.range(fields)));
        }),
      );
    });

    it('begins with ten keys and doubles while the chunks are small', () => {
      const chunks = value(collect(filled(100).store, range(all)));
      assert.equal(firstChunkKeys, 10);
      assert.deepEqual(
        chunks.map(({ kvs }) => kvs.length),
        [10, 20, 40, 30],
      );
    });

    it('halves when a chunk is twice the size aimed at, down to one key', () => {
      const chunks = value(collect(filled(20, 'x'.repeat(1000)).store, range(all), undefined, 400));
      assert.deepEqual(
        chunks.map(({ kvs }) => kvs.length),
        [10, 5, 2, 1, 1, 1],
      );
    });

    it('keeps to its number of keys from half to twice the size aimed at', () => {
      const store = filled(30, 'x').store;
      for (const aim of [300, 150]) {
        const chunks = value(collect(store, range(all), undefined, aim));
        assert.deepEqual(
          chunks.map(({ kvs }) => kvs.length),
          [10, 10, 10],
        );
      }
    });

    it('shows header, count and more on the last chunk alone', () => {
      const chunks = value(collect(filled(40).store, range({ ...all, limit: 25 })));
      const [first, last] = chunks;
      assert.deepEqual([first?.header, first?.count, first?.more], [undefined, 0, false]);
      assert.deepEqual([last?.header?.revision, last?.count, last?.more], [41, 40, true]);
      assert.equal(chunks.length, 2);
    });

    it('shows the state at which it began, whatever is written meanwhile', () => {
      const machine = filled(30);
      const expected = value(machine.range(all));
      const chunks = collect(machine.store, range(all), () => {
        value(machine.put({ key: 'k1015', value: 'new' }));
        value(machine.put({ key: 'k1016x', value: 'new' }));
        value(machine.del({ key: 'k1029' }));
      });
      assert.deepEqual(merged(value(chunks)), expected);
    });

    it('ends when its revision is compacted on the way', () => {
      const machine = filled(30);
      const chunks = collect(machine.store, range(all), () => {
        machine.put({ key: 'x' });
        machine.compact(machine.store.revision);
      });
      assert.deepEqual(refusal(chunks), errors.compacted);
    });

    it('refuses a revision that cannot be read before its first chunk', () => {
      const machine = filled(5);
      machine.compact(3);
      const open = (revision: number) =>
        RangeStreamCursor.open(machine.store, range({ ...all, revision }), chunkBytes);
      assert.deepEqual(refusal(open(2)), errors.compacted);
      assert.deepEqual(refusal(open(7)), errors.futureRevision);
      assert.deepEqual(
        show(value(collect(machine.store, range({ ...all, revision: 3 })))[0]?.kvs[0]),
        'k1000=v 2/2/1',
      );
    });

    it('answers a count in one message, and an empty range as well', () => {
      const machine = filled(30);
      const counted = value(collect(machine.store, range({ ...all, countOnly: true, limit: 3 })));
      assert.deepEqual(
        counted.map(({ count, more, kvs }) => [count, more, kvs]),
        [[30, false, []]],
      );
      const empty = value(collect(machine.store, range({ key: 'z' })));
      assert.deepEqual(
        empty.map(({ count, header }) => [count, header?.revision]),
        [[0, 31]],
      );
    });

    it('sorts each chunk by itself when a target but no order is given, as etcd does', () => {
      const machine = filled(12);
      machine.put({ key: 'k1000', value: 'again' });
      const chunks = value(collect(machine.store, range({ ...all, sortTarget: 3 })));
      const found = chunks.map((chunk) => keys(chunk));
      assert.equal(found[0]?.at(-1), 'k1010', 'the first eleven were sorted, and ten of them sent');
      assert.equal(found[0]?.includes('k1000'), false);
      assert.deepEqual(found[1], ['k1011']);
    });
  });
}
