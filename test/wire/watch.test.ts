import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ResponseHeader } from '../../src/wire/header.ts';
import { DecodedEvent, Event } from '../../src/wire/mvccpb.ts';
import { varintBytes, writeVarint } from '../../src/wire/varint.ts';
import { encodeWatchEvents, eventFieldBytes, WatchResponse } from '../../src/wire/watch.ts';

const header = ResponseHeader.create({ clusterId: 2n ** 63n, memberId: 1n, revision: 300 });

describe('a response around encoded events', () => {
  it('is byte for byte what the codec writes', () => {
    const event = fc
      .record({ type: fc.constantFrom(0, 1), kv: fc.nat(300).map((n) => new Uint8Array(n)) })
      .map((fields) => Event.encode(fields));
    fc.assert(
      fc.property(
        fc.array(event),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.boolean(),
        (encoded, watchId, fragment) => {
          const head = { header, watchId, fragment };
          const response = encodeWatchEvents(head, encoded);
          const plain = WatchResponse.encode(head);
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
    const response = encodeWatchEvents({ header, watchId: 7n, fragment: true }, encoded);
    assert.deepEqual(
      response,
      WatchResponse.encode({ header, watchId: 7n, fragment: true, events }),
    );
    assert.deepEqual(WatchResponse.decode(response).events, events);
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
