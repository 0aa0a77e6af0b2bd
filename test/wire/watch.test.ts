import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { mustGet } from '../../src/base/assert.ts';
import { concatBytes } from '../../src/base/bytes.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import { DecodedEvent, Event } from '../../src/wire/mvccpb.ts';
import { varintBytes, writeVarint } from '../../src/wire/varint.ts';
import { eventFieldBytes, WatchEvents } from '../../src/wire/watch-events.ts';
import { encodeHeaderField, encodeWatchHead, WatchResponse } from '../../src/wire/watch.ts';

const header = ResponseHeader.create({ clusterId: 2n ** 63n, memberId: 1n, revision: 300 });

/** A response as it goes out: what is of this watch, then what all watches share. */
function encode(watchId: bigint, isFragment: boolean, events: WatchEvents): Uint8Array {
  const head = encodeWatchHead(encodeHeaderField(header), watchId, isFragment);
  return concatBytes([head, events.fields]);
}

describe('a response around encoded events', () => {
  it('is byte for byte what the codec writes', () => {
    const event = fc
      .record({ type: fc.constantFrom(0, 1), kv: fc.nat(300).map((n) => new Uint8Array(n)) })
      .map((fields) => Event.encode(fields));
    const id = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: 0n, max: 300n }),
    );
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1 }),
        id,
        fc.boolean(),
        (encoded, watchId, isFragment) => {
          const response = encode(
            watchId,
            isFragment,
            mustGet(WatchEvents.from(encoded), 'events'),
          );
          const plain = WatchResponse.encode({ header, watchId, fragment: isFragment });
          const sum = encoded.reduce((bytes, each) => bytes + eventFieldBytes(each), 0);
          assert.equal(response.length, plain.length + sum);
          assert.deepEqual(response.subarray(0, plain.length), plain);
        },
      ),
    );
  });

  it('reads back as the events it was made of', () => {
    const events = [0, 127, 128, 20_000].map((length) =>
      DecodedEvent.create({ kv: { ...emptyKeyValue, value: new Uint8Array(length) } }),
    );
    const encoded = events.map((event) => DecodedEvent.encode(event));
    const response = encode(7n, true, mustGet(WatchEvents.from(encoded), 'events'));
    assert.deepEqual(
      response,
      WatchResponse.encode({ header, watchId: 7n, fragment: true, events }),
    );
    assert.deepEqual(WatchResponse.decode(response).events, events);
  });

  it('holds the events of its list in their order, whatever becomes of longer ones', () => {
    const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    const alone = WatchEvents.of(a);
    const [one, other] = [alone.with(b), alone.with(c)];
    assert.deepEqual([alone.list, one.list, other.list], [[a], [a, b], [a, c]]);
    assert.deepEqual([one.length, one.totalBytes], [2, 2 * (1 + 64)]);
  });

  it('counts its lengths as it writes them', () => {
    for (const value of [0, 1, 127, 128, 2 ** 14, 2 ** 31, 2 ** 32, 2 ** 40]) {
      assert.equal(writeVarint(new Uint8Array(10), 0, value), varintBytes(value), String(value));
    }
  });
});

const emptyKeyValue = {
  key: new Uint8Array(0),
  createRevision: 0,
  modRevision: 0,
  version: 0,
  value: new Uint8Array(0),
  lease: 0n,
};
