import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { fillHeader } from '../../src/api/header.ts';
import { evaluateRange } from '../../src/apply/range.ts';
import { mustGet } from '../../src/base/assert.ts';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import { keySuccessor } from '../../src/mvcc/key-range.ts';
import { decodeRowKey } from '../../src/mvcc/revision.ts';
import { RowArena, slabBytes } from '../../src/mvcc/row-arena.ts';
import { MvccStore } from '../../src/mvcc/store.ts';
import type { PutRow, RowReader } from '../../src/mvcc/types.ts';
import { runRangeToSend, type RangeParts } from '../../src/server/ranges.ts';
import { Slicer } from '../../src/server/slicer.ts';
import { RangeRequest, RangeResponse } from '../../src/wire/kv.ts';
import type { KvsWriter } from '../../src/wire/kvs-writer.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { MemoryRows, TestStore } from '../mvcc/rows.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';
import { FakeMember } from './fake-member.ts';

/** Ranges whose answers are put together from encoded rows, in memory and not: the bytes are those of any other. */

/** Of all rows some are in an arena: those of even revisions, and those that were read. */
class HalfCachedRows extends MemoryRows implements RowReader {
  readonly arena = new RowArena(2 * slabBytes);
  stored = 0;

  override put(rows: readonly PutRow[]): void {
    super.put(rows);
    for (const { key, value } of rows) {
      const { main, sub } = decodeRowKey(key);
      if (main % 2 === 0) this.arena.add(main, sub, value);
    }
  }

  override get(rowKey: Bytes): Bytes | undefined {
    const row = super.get(rowKey);
    const { main, sub } = decodeRowKey(rowKey);
    if (row !== undefined) this.arena.add(main, sub, row);
    this.stored++;
    return row;
  }

  maybeCopyRecent(main: number, sub: number, to: KvsWriter): boolean {
    return this.arena.maybeCopy(main, sub, to);
  }
}

class World {
  readonly rows = new HalfCachedRows();
  readonly test = new TestStore(this.rows, new MvccStore(this.rows));
  readonly scheduler = new ManualScheduler();
  readonly member = new FakeMember();
  betweenTurns: () => void = () => undefined;
  /** Looking at the clock takes half a slice. */
  private nowMs = 0;
  readonly slicer = new Slicer(
    {
      nowMs: () => (this.nowMs += 0.5),
      after: (delayMs, callback) => this.scheduler.after(delayMs, callback),
      endOfTurn: (callback) => {
        this.betweenTurns();
        this.scheduler.endOfTurn(callback);
      },
    },
    () => true,
  );

  /** The answer as it is sent, and its type. */
  sent(request: RangeRequest) {
    const { scheduler, slicer, test } = this;
    const isInForce = (): boolean => true;
    const largeBytes = 1024 * 1024;
    const store = test.store;
    const parts: RangeParts = { slicer, scheduler, store, isInForce, chunkBytes: 1, largeBytes };
    let bytes: Bytes | undefined;
    let type = '';
    runRangeToSend(parts, request, (outcome) => {
      assert.ok(outcome.ok);
      ({ type } = outcome.value);
      if (outcome.value.type !== 'page') return;
      const { answer, kvs } = outcome.value;
      bytes = kvs.finish({ ...answer, header: fillHeader(this.member, answer.header) });
    });
    scheduler.advance(1);
    return { type, bytes };
  }

  expected(request: RangeRequest): Bytes {
    const outcome = evaluateRange(this.test.store, request);
    assert.ok(outcome.ok);
    const header = fillHeader(this.member, outcome.value.header);
    return RangeResponse.encode({ ...outcome.value, header });
  }
}

const key = fc.nat(60).map((n) => `k${String(n).padStart(2, '0')}`);
const length = fc.oneof(
  fc.nat(3),
  fc.integer({ min: 90, max: 300 }),
  fc.constantFrom(16_500, 40_000),
);
const write = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.tuple(key, length), { minLength: 1, maxLength: 8 }) },
  { weight: 1, arbitrary: key },
);
const writes = fc.array(write, { maxLength: 40, size: 'max' });
const asked = fc.record({
  from: key,
  to: fc.oneof(key, fc.constantFrom('\0', 'l')),
  limit: fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 20 })),
  back: fc.oneof(fc.constant(0), fc.nat(30)),
  serializable: fc.boolean(),
});

function apply({ test }: World, written: string | readonly (readonly [string, number])[]): void {
  if (typeof written === 'string') test.delete(written);
  else {
    test.txn((txn) => {
      for (const [name, bytes] of new Map(written)) {
        txn.put(utf8(name), new Uint8Array(bytes).fill(bytes % 251), 0n);
      }
    });
  }
}

describe('a range in key order', () => {
  it('is sent as the same bytes, wherever its rows lie', () => {
    fc.assert(
      fc.property(writes, fc.array(asked, { minLength: 1, maxLength: 8 }), (written, ranges) => {
        const world = new World();
        for (const one of written) apply(world, one);
        for (const { from, to, back, ...rest } of ranges) {
          const revision = back === 0 ? 0 : Math.max(1, world.test.store.revision - back);
          const span = { key: utf8(from), rangeEnd: utf8(to) };
          const request = RangeRequest.create({ ...span, ...rest, revision });
          const { type, bytes } = world.sent(request);
          assert.equal(type, 'page');
          assert.deepEqual(bytes, world.expected(request));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('reads a list page by page, each at the revision of the first', () => {
    const world = new World();
    for (let i = 0; i < 300; i++) world.test.put(`k${String(i).padStart(3, '0')}`, `first ${i}`);
    const revision = world.test.store.revision;
    const names: string[] = [];
    const rangeEnd = utf8('l');
    let from = utf8('k');
    for (let isMore = true; isMore;) {
      for (let i = 0; i < 7; i++) world.test.put(`k${String(i * 40).padStart(3, '0')}x`, 'later');
      world.test.delete('k299');
      const request = RangeRequest.create({ key: from, rangeEnd, limit: 70, revision });
      const expected = world.expected(request);
      const { bytes } = world.sent(request);
      assert.deepEqual(bytes, expected);
      const page = RangeResponse.decode(mustGet(bytes, 'an answer'));
      assert.equal(page.count, 300 - names.length);
      const kvs = page.kvs.map((kv) => KeyValue.decode(kv));
      for (const kv of kvs) names.push(Buffer.from(kv.key).toString());
      from = keySuccessor(mustGet(kvs.at(-1), 'a key').key);
      isMore = page.more;
    }
    assert.equal(new Set(names).size, 300);
  });

  it('is read over many turns as of its first, and few rows a turn from the store', () => {
    const world = new World();
    for (let i = 0; i < 2_000; i++)
      world.test.put(`k${String(i).padStart(4, '0')}`, 'x'.repeat(90));
    const request = RangeRequest.create({ key: utf8('k'), rangeEnd: utf8('l') });
    const expected = world.expected(request);
    world.rows.arena.clear();
    let mostStored = 0;
    let stored = world.rows.stored;
    let turns = 0;
    world.betweenTurns = () => {
      turns++;
      mostStored = Math.max(mostStored, world.rows.stored - stored);
      ({ stored } = world.rows);
      world.test.put('k1999', 'later');
      world.test.delete('k1998');
    };
    const { bytes } = world.sent(request);
    assert.ok(turns > 10, `${turns} turns`);
    assert.ok(mostStored > 0 && mostStored <= 192, `${mostStored} rows`);
    assert.deepEqual(bytes, expected);
  });

  it('is made while it is sent when it turns out to be large', () => {
    const world = new World();
    for (let i = 0; i < 30; i++) world.test.put(`k${i}`, 'x'.repeat(40_000));
    const span = { key: utf8('k'), rangeEnd: utf8('l') };
    assert.equal(world.sent(RangeRequest.create(span)).type, 'large');
    assert.equal(world.sent(RangeRequest.create({ ...span, limit: 20 })).type, 'page');
  });
});
