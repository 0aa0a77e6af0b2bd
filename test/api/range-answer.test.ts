import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { fillHeader } from '../../src/api/header.ts';
import { answerLargeRange } from '../../src/api/range-answer.ts';
import { UnaryExchange } from '../../src/api/exchange.ts';
import { MethodMetrics, RpcMetrics } from '../../src/api/rpc-metrics.ts';
import { concatBytes, utf8, type Bytes } from '../../src/base/bytes.ts';
import { mustGet } from '../../src/base/assert.ts';
import type { MessageSource } from '../../src/grpc/types.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { runRange, runRangeToSend, type RangeParts } from '../../src/server/ranges.ts';
import { Slicer } from '../../src/server/slicer.ts';
import type { LargeRange } from '../../src/server/types.ts';
import { Code } from '../../src/wire/errors.ts';
import { RangeRequest, RangeResponse } from '../../src/wire/kv.ts';
import { methods } from '../../src/wire/services.ts';
import { TestStore } from '../mvcc/rows.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';
import { RecordedCall } from './caller.ts';
import { FakeMember } from './fake-member.ts';

/** Large answers to Range, which are made while they are sent, from a store that changes meanwhile. */

const path = '/etcdserverpb.KV/Range';
const whole = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

/** Keeps the source of an answer instead of joining it. */
class SourceCall extends RecordedCall {
  source: MessageSource | undefined;

  override respondFrom(source: MessageSource): void {
    this.source = source;
  }
}

class World {
  readonly test = new TestStore();
  readonly scheduler = new ManualScheduler();
  readonly member = new FakeMember();
  readonly call = new SourceCall(path, {}, undefined, () => undefined);
  readonly metrics = createMetrics();
  isInForce = true;

  parts(largeBytes: number): RangeParts {
    const { scheduler, test } = this;
    const slicer = new Slicer(scheduler, () => false);
    const isInForce = (): boolean => this.isInForce;
    return { slicer, scheduler, store: test.store, isInForce, chunkBytes: 1, largeBytes };
  }

  put(key: string, value: Bytes): void {
    const txn = this.test.store.begin();
    txn.put(utf8(key), value, 0n);
    this.test.rows.put(txn.end().rows);
  }

  /** What the range would answer as one message. */
  expected(request: RangeRequest): Bytes {
    let encoded: Bytes | undefined;
    runRange(this.parts(Infinity), request, (outcome) => {
      assert.ok(outcome.ok);
      const header = fillHeader(this.member, outcome.value.header);
      encoded = RangeResponse.encode({ ...outcome.value, header });
    });
    this.scheduler.advance(1);
    return mustGet(encoded, 'an answer');
  }

  /** The same range as a large one; undefined when it is not. */
  large(request: RangeRequest, largeBytes = 0): LargeRange | undefined {
    let large: LargeRange | undefined;
    runRangeToSend(this.parts(largeBytes), request, (outcome) => {
      assert.ok(outcome.ok);
      if (outcome.value.type === 'large') ({ large } = outcome.value);
    });
    this.scheduler.advance(1);
    return large;
  }

  answer(large: LargeRange, bytesMax?: number): MessageSource | undefined {
    const method = mustGet(
      methods.find((each) => each.path === path),
      'Range',
    );
    const metrics = new MethodMetrics(new RpcMetrics(this.metrics), method);
    const request = { bytes: new Uint8Array(0), hasUnknownFields: false };
    const exchange = new UnaryExchange(this.call, metrics, request);
    answerLargeRange(this.member, exchange, large, bytesMax);
    return this.call.source;
  }

  /** A store of `count` keys of 1 KiB, and a range over all of them that is about to be sent. */
  static sending(count: number): { world: World; source: MessageSource } {
    const world = new World();
    for (let i = 0; i < count; i++) world.put(`k${i}`, new Uint8Array(1024));
    const large = mustGet(world.large(RangeRequest.create(whole)), 'a large range');
    return { world, source: mustGet(world.answer(large), 'a source') };
  }

  compact(revision: number): boolean {
    this.test.store.compact(revision);
    return new IndexCompaction(this.test.store, revision).isPostponed;
  }
}

const key = fc.integer({ min: 0, max: 40 }).map((n) => `key/${n}`);
const size = fc.oneof(fc.nat(20), fc.nat(300), fc.integer({ min: 16_000, max: 90_000 }));
const writes = fc.array(fc.tuple(key, size), { minLength: 1, maxLength: 60, size: 'max' });
const options = fc.record({
  limit: fc.oneof(fc.constant(0), fc.nat(45)),
  keysOnly: fc.boolean(),
  back: fc.nat(20),
  minModRevision: fc.oneof(fc.constant(0), fc.nat(12)),
});

describe('a large range', () => {
  it('is sent as the bytes of the whole response, whatever is written meanwhile', () => {
    let pieces = 0;
    fc.assert(
      fc.property(writes, writes, options, (before, meanwhile, { back, ...rest }) => {
        const world = new World();
        for (const [name, bytes] of before) world.put(name, new Uint8Array(bytes).fill(7));
        const revision = Math.max(0, world.test.store.revision - back);
        const request = RangeRequest.create({ ...whole, ...rest, revision });
        const expected = world.expected(request);
        const large = world.large(request);
        if (large === undefined) return assert.equal(RangeResponse.decode(expected).kvs.length, 0);
        const source = mustGet(world.answer(large), 'a source');
        assert.equal(source.totalBytes, expected.length);
        const sent: Bytes[] = [];
        const later = [...meanwhile];
        for (let bytes = 0; bytes < source.totalBytes;) {
          const piece = mustGet(source.next(), 'a piece');
          sent.push(piece);
          bytes += piece.length;
          for (const [name, length] of later.splice(0, 5)) {
            if (length % 3 > 0) world.put(name, new Uint8Array(length));
            else world.test.delete(name);
          }
        }
        pieces = Math.max(pieces, sent.length);
        assert.deepEqual(concatBytes(sent), expected);
      }),
      { numRuns: 200 },
    );
    assert.ok(pieces > 2, 'no answer had several pieces');
  });

  it('begins above its threshold, and not in another order than by key', () => {
    const world = new World();
    for (let i = 0; i < 10; i++) world.put(`k${i}`, new Uint8Array(1000));
    assert.equal(world.large(RangeRequest.create(whole), 20_000), undefined);
    assert.notEqual(world.large(RangeRequest.create(whole), 5_000), undefined);
    const sorted = RangeRequest.create({ ...whole, sortOrder: 2 });
    assert.equal(world.large(sorted, 5_000), undefined);
    const single = RangeRequest.create({ key: utf8('k1') });
    assert.equal(world.large(single, 500), undefined);
  });

  it('is refused before its first byte where it is larger than a message can be', () => {
    const world = new World();
    for (let i = 0; i < 10; i++) world.put(`k${i}`, new Uint8Array(1000));
    const large = mustGet(world.large(RangeRequest.create(whole)), 'a large range');
    assert.equal(world.answer(large, 10_000), undefined);
    const { code, text } = mustGet(world.call.answer, 'an answer');
    assert.equal(code, Code.ResourceExhausted);
    assert.match(text, /^grpc: trying to send message larger than max \(10\d{3} vs\. 10000\)$/);
    assert.equal(world.compact(world.test.store.revision), false, 'its revision is held no more');
  });

  it('holds its revision while it is sent, and lets it go when it is closed', () => {
    const { world, source } = World.sending(400);
    source.next();
    world.put('k1', utf8('later'));
    assert.equal(world.compact(world.test.store.revision), true);
    source.close();
    assert.equal(new IndexCompaction(world.test.store, 402).isPostponed, false);
  });

  it('holds it for half a minute at most: to a client that reads too slowly the answer is cut off', () => {
    const { world, source } = World.sending(400);
    source.next();
    world.put('k1', utf8('later'));
    world.scheduler.advance(31_000);
    assert.notEqual(source.next(), undefined, 'nothing is compacted: it goes on');
    assert.equal(world.compact(world.test.store.revision), false);
    assert.equal(source.next(), undefined);
    source.close();
  });

  it('cannot go on when a received snapshot has taken the place of the store', () => {
    const { world, source } = World.sending(400);
    source.next();
    world.isInForce = false;
    assert.equal(source.next(), undefined);
  });

  it('is not begun for a caller who is gone', () => {
    const world = new World();
    for (let i = 0; i < 10; i++) world.put(`k${i}`, new Uint8Array(1000));
    const large = mustGet(world.large(RangeRequest.create(whole)), 'a large range');
    world.call.isCancelled = true;
    assert.equal(world.answer(large), undefined);
    assert.equal(world.compact(world.test.store.revision), false);
  });
});
