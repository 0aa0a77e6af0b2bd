import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import type { WatchOutput } from '../../src/server/types.ts';
import { Code } from '../../src/wire/errors.ts';
import { DecodedEvent } from '../../src/wire/mvccpb.ts';
import { WatchCreateRequest, WatchRequest, WatchResponse } from '../../src/wire/watch.ts';
import { WatchEvents } from '../../src/wire/watch-events.ts';
import { RecordedCall } from './caller.ts';
import { FakeMember } from './fake-member.ts';
import type { FakeWatches } from './fake-watches.ts';
import { servicesOf } from './services.ts';

const path = '/etcdserverpb.Watch/Watch';

interface Stream {
  readonly member: FakeMember;
  readonly call: RecordedCall;
  readonly watches: FakeWatches;
  request(bytes: Bytes): void;
  halfClose(): void;
  /** Tells as the member does; answers whether more is wanted. */
  tell(output: WatchOutput): boolean;
  /** The newest message. */
  last(): WatchResponse;
}

function open(): Stream {
  const member = new FakeMember();
  const handler = mustGet(servicesOf(member).handlers.get(path), 'handler');
  assert(handler.kind === 'bidi');
  const call = new RecordedCall(path, {}, undefined, () => undefined);
  const receiver = handler.open(call);
  const watches = mustGet(member.watches[0], 'watches');
  return {
    member,
    call,
    watches,
    request: (bytes) => receiver.onMessage(bytes),
    halfClose: () => receiver.onHalfClose(),
    tell: (output) => watches.receiver.receive(output),
    last: () => WatchResponse.decode(mustGet(call.messages.at(-1), 'message')),
  };
}

function create(fields: Partial<WatchCreateRequest>): Bytes {
  const value = WatchCreateRequest.create(fields);
  return WatchRequest.encode({ request: { case: 'createRequest', value } });
}

const cancel = (watchId: bigint): Bytes =>
  WatchRequest.encode({ request: { case: 'cancelRequest', value: { watchId } } });

const filled = { clusterId: 0xc1n, memberId: 0xa1n, raftTerm: 3 };

describe('Watch', () => {
  it('asks for what the request says, defaults included', () => {
    const { watches, request } = open();
    request(create({ key: utf8('a') }));
    request(
      create({
        key: utf8('a'),
        rangeEnd: utf8('b'),
        startRevision: 5,
        watchId: 9n,
        filters: [0, 1, 7],
        prevKv: true,
        progressNotify: true,
        fragment: true,
      }),
    );
    const [plain, full] = watches.specs;
    assert.deepEqual(plain, {
      id: undefined,
      range: { from: utf8('a'), to: utf8('a\0') },
      startRevision: 0,
      prevKv: false,
      noPut: false,
      noDelete: false,
      progressNotify: false,
      fragment: false,
    });
    assert.deepEqual(full, {
      id: 9n,
      range: { from: utf8('a'), to: utf8('b') },
      startRevision: 5,
      prevKv: true,
      noPut: true,
      noDelete: true,
      progressNotify: true,
      fragment: true,
    });
  });

  it('of no key is of the smallest one, and `\\0` as its end is the end of all keys', () => {
    const { watches, request } = open();
    request(create({}));
    request(create({ rangeEnd: utf8('\0') }));
    assert.deepEqual(
      watches.specs.map(({ range }) => range),
      [
        { from: utf8('\0'), to: utf8('\0\0') },
        { from: utf8('\0'), to: undefined },
      ],
    );
  });

  it('is refused in its place among the answers, with the reasons of etcd', () => {
    const { watches, request, tell, last } = open();
    request(create({ key: utf8('a'), startRevision: -1 }));
    assert.deepEqual(watches.specs, []);
    watches.refusal = 'emptyRange';
    request(create({ key: utf8('a') }));
    watches.refusal = 'duplicateId';
    request(create({ key: utf8('a') }));
    assert.deepEqual(watches.asked, [
      'refuse: etcdserver: mvcc: required revision has been compacted',
      'refuse: mvcc: watcher range is empty',
      'refuse: mvcc: duplicate watch ID provided on the WatchStream',
    ]);
    tell({ type: 'refused', watchId: -1n, revision: 7, reason: 'why' });
    assert.deepEqual(last(), {
      ...WatchResponse.create(),
      header: { ...filled, revision: 7 },
      watchId: -1n,
      created: true,
      canceled: true,
      cancelReason: 'why',
    });
  });

  it('hands on cancelling and asking for progress, and passes over what it does not know', () => {
    const { call, watches, request } = open();
    request(cancel(3n));
    request(WatchRequest.encode({ request: { case: 'progressRequest', value: {} } }));
    request(Uint8Array.of(0x2a, 0x00));
    request(new Uint8Array(0));
    assert.deepEqual(watches.asked, ['cancel 3', 'progress']);
    assert.equal(call.answer, undefined);
  });

  it('answers each kind of news with the fields that say so', () => {
    const { tell, last } = open();
    const plain = WatchResponse.create();
    const header = { ...filled, revision: 7 };
    tell({ type: 'created', watchId: 2n, revision: 7 });
    assert.deepEqual(last(), { ...plain, header, watchId: 2n, created: true });
    tell({ type: 'progress', watchId: -1n, revision: 7 });
    assert.deepEqual(last(), { ...plain, header, watchId: -1n });
    tell({ type: 'canceled', watchId: 2n, revision: 7, compactRevision: 0 });
    assert.deepEqual(last(), { ...plain, header, watchId: 2n, canceled: true });
    tell({ type: 'canceled', watchId: 2n, revision: 0, compactRevision: 5 });
    const cut = { watchId: 2n, canceled: true, compactRevision: 5 };
    assert.deepEqual(last(), { ...plain, header: { ...filled, revision: 0 }, ...cut });
    const value = { key: utf8('k'), createRevision: 7, modRevision: 7, version: 1, lease: 0n };
    const event = DecodedEvent.create({ kv: { ...value, value: utf8('v') } });
    const events = WatchEvents.of(DecodedEvent.encode(event));
    tell({ type: 'events', watchId: 2n, revision: 7, events, isFragment: true });
    const told = last();
    assert.deepEqual([told.fragment, told.watchId, told.header], [true, 2n, header]);
    assert.equal(textOf(mustGet(told.events[0]?.kv, 'kv').value), 'v');
  });

  it('lets requests wait while the client does not read, and goes on when it does', () => {
    const { call, watches, tell } = open();
    call.hasRoom = false;
    assert.equal(tell({ type: 'created', watchId: 0n, revision: 7 }), false);
    assert.equal(call.isPaused, true);
    call.drain();
    assert.equal(call.isPaused, false);
    assert.deepEqual(watches.asked, ['resume']);
    assert.equal(tell({ type: 'progress', watchId: 0n, revision: 7 }), true);
  });

  it('goes on when the client has sent its last request, and ends when it leaves', () => {
    const { call, watches, tell, halfClose } = open();
    halfClose();
    tell({ type: 'progress', watchId: 0n, revision: 7 });
    assert.deepEqual([call.messages.length, watches.asked], [1, []]);
    call.cancel();
    assert.deepEqual(watches.asked, ['close']);
    assert.equal(tell({ type: 'progress', watchId: 0n, revision: 7 }), false);
  });

  it('ends with Internal at a request that cannot be read', () => {
    const { call, watches, request } = open();
    request(Uint8Array.of(0x0a, 0x05, 0x01));
    assert.equal(call.answer?.code, Code.Internal);
    assert.deepEqual(watches.asked, ['close']);
  });
});
