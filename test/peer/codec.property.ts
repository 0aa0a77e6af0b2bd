import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import * as fc from 'fast-check';
import {
  encodeBatch,
  HelloRequest,
  MessagesRequest,
  SnapshotRequest,
} from '../../src/peer/messages.ts';
import type { Message } from '../../src/raft/types.ts';

/** Records with the prototype that decoded messages have. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const counter = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(0));
const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const ids = fc.array(id, { maxLength: 4 });
const data = fc.uint8Array({ maxLength: 40 });
const entryType = fc.constantFrom('normal' as const, 'confChange' as const);
const entry = record({ term: counter, index: counter, type: entryType, data });
const confState = record({
  voters: ids,
  votersOutgoing: ids,
  learners: ids,
  learnersNext: ids,
  autoLeave: fc.boolean(),
});
const envelope = { from: id, to: id, term: counter };
const of = <T extends Message['type']>(...types: readonly T[]): fc.Arbitrary<T> =>
  fc.constantFrom(...types);

/** Every variant of `Message`: the compiler would refuse a record that is none. */
const message: fc.Arbitrary<Message> = fc.oneof(
  record({
    ...envelope,
    type: of('MsgProp'),
    entries: fc.array(record({ type: entryType, data })),
  }),
  record({
    ...envelope,
    type: of('MsgApp'),
    index: counter,
    logTerm: counter,
    commit: counter,
    entries: fc.array(entry),
    isNotice: fc.boolean(),
  }),
  record({
    ...envelope,
    type: of('MsgAppResp'),
    index: counter,
    reject: fc.boolean(),
    rejectHint: counter,
    logTerm: counter,
  }),
  record({
    ...envelope,
    type: of('MsgVote', 'MsgPreVote'),
    index: counter,
    logTerm: counter,
    isTransfer: fc.boolean(),
  }),
  record({
    ...envelope,
    type: of('MsgVoteResp', 'MsgPreVoteResp'),
    reject: fc.boolean(),
    commit: counter,
    logTerm: counter,
  }),
  record({
    ...envelope,
    type: of('MsgSnap'),
    snapshot: record({ index: counter, term: counter, confState }),
  }),
  record({ ...envelope, type: of('MsgHeartbeat'), commit: counter, readSequence: counter }),
  record({ ...envelope, type: of('MsgHeartbeatResp'), readSequence: counter }),
  record({ ...envelope, type: of('MsgReadIndex'), context: counter }),
  record({ ...envelope, type: of('MsgReadIndexResp'), context: counter, index: counter }),
  record({ ...envelope, type: of('MsgTransferLeader'), transferee: id }),
  record({ ...envelope, type: of('MsgTimeoutNow') }),
);

const definitions = loadSync(join(import.meta.dirname, '../../../proto/peer.proto'), {
  longs: String,
  enums: Number,
  defaults: true,
  oneofs: true,
});

/** proto-loader keeps its protobufjs types to itself; services show how each message is read and written. */
const service = definitions['quorate.peer.Peer'] as unknown as Record<
  'Messages' | 'Snapshot',
  {
    readonly path: string;
    readonly requestSerialize: (value: object) => Buffer;
    readonly requestDeserialize: (bytes: Buffer) => Record<string, unknown>;
  }
>;

function decodeBatch(bytes: Uint8Array): readonly Message[] {
  const { request } = MessagesRequest.decode(bytes);
  assert.equal(request?.case, 'batch');
  return request?.case === 'batch' ? request.value.messages : [];
}

describe('peer/codec', () => {
  it('brings every message back as it was', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        assert.deepEqual(decodeBatch(encodeBatch(messages)), messages);
      }),
      { numRuns: 500 },
    );
  });

  it('writes what proto/peer.proto says: protobufjs reads it, and what protobufjs writes is read', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), (messages) => {
        const encoded = encodeBatch(messages);
        const theirs = service.Messages.requestDeserialize(Buffer.from(encoded));
        assert.equal(theirs['request'], 'batch');
        const again = service.Messages.requestSerialize(theirs);
        assert.deepEqual(decodeBatch(new Uint8Array(again)), messages);
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with proto/peer.proto on the greeting and on snapshots', () => {
    const value = HelloRequest.create({
      clusterId: 2n ** 64n - 1n,
      from: 1n,
      to: 2n,
      incarnation: 77n,
      protocolVersion: 3,
      protocolVersionMin: 2,
      lineage: new Uint8Array([1, 2]),
      lane: 2,
      peerUrls: ['http://localhost:1', 'http://localhost:2'],
    });
    const theirs = service.Snapshot.requestDeserialize(
      Buffer.from(SnapshotRequest.encode({ request: { case: 'hello', value } })),
    );
    assert.deepEqual(JSON.parse(JSON.stringify(theirs['hello'])), {
      clusterId: '18446744073709551615',
      from: '1',
      to: '2',
      incarnation: '77',
      protocolVersion: 3,
      protocolVersionMin: 2,
      lineage: { type: 'Buffer', data: [1, 2] },
      lane: 2,
      peerUrls: ['http://localhost:1', 'http://localhost:2'],
    });
    assert.equal(service.Messages.path, '/quorate.peer.Peer/Messages');
    assert.equal(service.Snapshot.path, '/quorate.peer.Peer/Snapshot');
  });

  it('takes no bytes for a message that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeBatchLeniently(bytes);
        } catch (error) {
          assert.equal((error as Error).name, 'WireError');
        }
      }),
    );
  });

  it('names the enum values that the program uses', () => {
    const enumOf = (name: string): readonly string[] => {
      const { type } = definitions[`quorate.peer.${name}`] as unknown as MessageTypeDefinition<
        object,
        object
      >;
      return (type as { value: { name: string; number: number }[] }).value
        .sort((a, b) => a.number - b.number)
        .map((value) => value.name);
    };
    assert.deepEqual(enumOf('Lane'), ['CONTROL', 'BULK', 'SNAPSHOT']);
    assert.deepEqual(enumOf('EntryType'), ['NORMAL', 'CONF_CHANGE']);
    assert.equal(enumOf('MessageType').length, 15);
  });
});

function decodeBatchLeniently(bytes: Uint8Array): void {
  MessagesRequest.decode(bytes);
}
