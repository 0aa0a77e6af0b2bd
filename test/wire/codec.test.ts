import assert from 'node:assert/strict';
import { concatBytes, fromHex, hex, textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import { MemberListResponse } from '../../src/wire/cluster.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import {
  Compare,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeStreamResponse,
  TxnRequest,
  TxnResponse,
  type RequestOp,
} from '../../src/wire/kv.ts';
import { StatusResponse } from '../../src/wire/maintenance.ts';
import { message, repeatedEnumeration, repeatedUint64Id } from '../../src/wire/message.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { nestingMax, WireError } from '../../src/wire/varint.ts';
import { encodeOther } from './second-opinion.ts';

const max = Number.MAX_SAFE_INTEGER;
const malformed = { name: 'WireError', message: 'proto: cannot parse invalid wire-format data' };
const decodePut = (text: string) => PutRequest.decode(fromHex(text));

describe('integers of 64 bits', () => {
  it('that are compared with our counters saturate', () => {
    for (const [text, expected] of [
      ['9223372036854775807', max],
      ['9007199254740992', max],
      ['9007199254740991', max],
      ['-9007199254740991', -max],
      ['-9007199254740992', -max],
      ['-9223372036854775808', -max],
    ] as const) {
      const encoded = encodeOther('etcdserverpb.RangeRequest', { limit: text });
      assert.equal(RangeRequest.decode(encoded).limit, expected, text);
    }
    const raftTerm = '18446744073709551615';
    const encoded = encodeOther('etcdserverpb.ResponseHeader', { raftTerm });
    assert.equal(ResponseHeader.decode(encoded).raftTerm, max);
  });

  it('that are ids are exact', () => {
    const put = encodeOther('etcdserverpb.PutRequest', { lease: '-9223372036854775808' });
    assert.equal(PutRequest.decode(put).lease, -(2n ** 63n));
    const memberId = '18446744073709551615';
    const header = encodeOther('etcdserverpb.ResponseHeader', { memberId });
    assert.equal(ResponseHeader.decode(header).memberId, 2n ** 64n - 1n);
  });

  it('may be written longer than need be, up to ten bytes', () => {
    assert.equal(decodePut('1881808080808080808000').lease, 1n);
    assert.throws(() => decodePut('188180808080808080808000'), malformed, 'eleven');
    assert.throws(() => decodePut('18ffffffffffffffffff02'), malformed, 'more than 64 bits');
    assert.equal(decodePut('18ffffffffffffffffff01').lease, -1n);
  });

  it('of other types are cut to their width', () => {
    assert.equal(decodePut('20ffffffffffffffffff01').prevKv, true);
    assert.equal(decodePut('20012000').prevKv, false);
    const sortOrder = RangeRequest.decode(fromHex('28ffffffffffffffffff01')).sortOrder;
    assert.equal(sortOrder, -1);
    assert.equal(RangeRequest.decode(fromHex('288180808010')).sortOrder, 1);
  });
});

describe('messages that occur in parts', () => {
  it('take the last of a scalar that occurs twice, and the default as well', () => {
    assert.equal(textOf(decodePut('0a01610a0162').key), 'b');
    assert.equal(decodePut('0a01610a00').key.length, 0);
  });

  it('merge a nested message that occurs twice', () => {
    const first = RangeStreamResponse.encode({
      rangeResponse: {
        header: ResponseHeader.create({ revision: 7 }),
        kvs: [utf8('')],
        more: true,
        count: 1,
      },
    });
    const second = RangeStreamResponse.encode({
      rangeResponse: {
        header: ResponseHeader.create({ raftTerm: 3 }),
        kvs: [utf8('')],
        more: false,
        count: 2,
      },
    });
    const { rangeResponse } = RangeStreamResponse.decode(concatBytes([first, second]));
    assert.equal(rangeResponse?.header?.revision, 7);
    assert.equal(rangeResponse.header.raftTerm, 3);
    assert.deepEqual(
      [rangeResponse.kvs.length, rangeResponse.more, rangeResponse.count],
      [2, true, 2],
    );
  });

  it('merge one that is left encoded', () => {
    const first = PutResponse.encode({ prevKv: KeyValue.encode({ key: utf8('a'), version: 1 }) });
    const second = PutResponse.encode({ prevKv: KeyValue.encode({ key: utf8('b'), lease: 5n }) });
    const { prevKv } = PutResponse.decode(concatBytes([first, second]));
    assert.ok(prevKv !== undefined);
    const kv = KeyValue.decode(prevKv);
    assert.deepEqual([textOf(kv.key), kv.version, kv.lease], ['b', 1, 5n]);
  });

  it('do not take quadratic time to merge', () => {
    const part = PutResponse.encode({ prevKv: KeyValue.encode({ version: 1 }) });
    assert.throws(
      () => PutResponse.decode(concatBytes(Array.from({ length: 400_000 }, () => part))),
      malformed,
    );
  });

  it('of a oneof keep the last case, merged with the same case before it', () => {
    const version = Compare.encode({ targetUnion: { case: 'version', value: 3 } });
    const value = Compare.encode({ targetUnion: { case: 'value', value: utf8('v') } });
    const read = (...parts: readonly Bytes[]) => Compare.decode(concatBytes(parts)).targetUnion;
    assert.equal(read(version, value)?.case, 'value');
    assert.deepEqual(read(value, version), { case: 'version', value: 3 });
    const success = (fields: RequestOp) => TxnRequest.encode({ success: [fields] }).subarray(2);
    const put = success({
      request: { case: 'requestPut', value: PutRequest.create({ lease: 1n }) },
    });
    const more = success({
      request: { case: 'requestPut', value: PutRequest.create({ prevKv: true }) },
    });
    const both = concatBytes([new Uint8Array([0x12, put.length + more.length]), put, more]);
    const request = TxnRequest.decode(both).success[0]?.request;
    assert.ok(request?.case === 'requestPut');
    assert.deepEqual([request.value.lease, request.value.prevKv], [1n, true]);
  });
});

describe('fields of a oneof', () => {
  it('are written at their default too, since being chosen says something', () => {
    for (const [targetUnion, encoded] of [
      [{ case: 'version', value: 0 }, '2000'],
      [{ case: 'value', value: utf8('') }, '3a00'],
      [{ case: 'lease', value: 0n }, '4000'],
    ] as const) {
      assert.equal(hex(Compare.encode({ targetUnion })), encoded);
      assert.deepEqual(Compare.decode(fromHex(encoded)).targetUnion, targetUnion);
    }
    const success = [{ request: { case: 'requestPut', value: PutRequest.create() } }] as const;
    assert.equal(hex(TxnRequest.encode({ success })), '12021200');
  });
});

describe('repeated integers', () => {
  const codec = message('test.Repeated', {
    kinds: repeatedEnumeration(5),
    ids: repeatedUint64Id(6),
  });

  it('are read packed, unpacked and both', () => {
    assert.deepEqual(codec.decode(fromHex('2a020001')).kinds, [0, 1]);
    assert.deepEqual(codec.decode(fromHex('28002801')).kinds, [0, 1]);
    assert.deepEqual(codec.decode(fromHex('28002a02010028012a00')).kinds, [0, 1, 0, 1]);
    assert.throws(() => codec.decode(fromHex('2a0180')), malformed);
  });

  it('are written packed', () => {
    assert.equal(
      hex(codec.encode({ kinds: [0, 1], ids: [2n ** 64n - 1n, 0n] })),
      '2a020001320bffffffffffffffffff0100',
    );
  });
});

describe('what is no message', () => {
  // Each was sent to etcd 3.7.3, which says the same of all of them.
  for (const [what, encoded] of [
    ['a length without its bytes', '0a'],
    ['a length beyond the end', '0a05'],
    ['a length of 2^63', '0affffffffffffffffff0161'],
    ['a varint without an end', 'ff'],
    ['a varint of eleven bytes', '18ffffffffffffffffffff01'],
    ['field number 0', '00'],
    ['a field number above 2^29 - 1', 'f8ffffff1f00'],
    ['a start of a group without an end', '0a01610b'],
    ['an end of a group without a start', '0c'],
    ['the end of another group', '4b54'],
    ['wire type 6', '0a016106'],
    ['wire type 7', '0a016107'],
    ['a cut fixed32', '4d010203'],
    ['a cut fixed64', '4901020304050607'],
  ] as const) {
    it(`${what} is refused`, () => assert.throws(() => decodePut(encoded), malformed));
  }

  it('a string that is no UTF-8 is refused, short or long', () => {
    const invalid = { name: 'WireError', message: 'string field contains invalid UTF-8' };
    for (const bad of ['ff', 'c080', 'eda080', `${'61'.repeat(40)}ff`]) {
      const length = (bad.length / 2).toString(16).padStart(2, '0');
      assert.throws(() => StatusResponse.decode(fromHex(`12${length}${bad}`)), invalid);
    }
    assert.equal(
      StatusResponse.decode(fromHex('1203efbbbf')).version,
      '\ufeff',
      'a BOM is a character',
    );
  });

  it('a known field of another wire type is an unknown field, as in protobuf-go', () => {
    for (const encoded of ['0801', '0d01000000', '1a0161', '200a'.replace('0a', '01') + '2201ff']) {
      assert.equal(PutRequest.inspect(fromHex(encoded)).hasUnknownFields, true, encoded);
    }
    const put = PutRequest.inspect(fromHex('08010a0161'));
    assert.equal(textOf(put.message.key), 'a');
  });

  it('unknown fields are found however deep', () => {
    const { hasUnknownFields, message: read } = TxnRequest.inspect(fromHex('12071205c03e010a00'));
    assert.equal(hasUnknownFields, true);
    assert.equal(read.success.length, 1);
  });
});

describe('nesting', () => {
  const nest = (depth: number): TxnRequest => {
    let txn = TxnRequest.create();
    for (let i = 0; i < depth; i++) {
      txn = TxnRequest.create({ success: [{ request: { case: 'requestTxn', value: txn } }] });
    }
    return txn;
  };

  it('goes as deep as 128 operations can, there and back', () => {
    const encoded = TxnRequest.encode(nest(128));
    assert.equal(hex(TxnRequest.encode(TxnRequest.decode(encoded))), hex(encoded));
    let txn = TxnResponse.create();
    for (let i = 0; i < 128; i++) {
      txn = TxnResponse.create({ responses: [{ response: { case: 'responseTxn', value: txn } }] });
    }
    assert.equal(
      hex(TxnResponse.encode(TxnResponse.decode(TxnResponse.encode(txn)))),
      hex(TxnResponse.encode(txn)),
    );
  });

  it('is refused beyond its limit, by messages and by unknown groups', () => {
    const tooDeep = { name: 'WireError', message: 'proto: exceeded maximum recursion depth' };
    assert.ok(TxnRequest.decode(TxnRequest.encode(nest(nestingMax / 2))));
    assert.throws(() => TxnRequest.decode(TxnRequest.encode(nest(nestingMax / 2 + 1))), tooDeep);
    const groups = (depth: number) => fromHex('c33e'.repeat(depth) + 'c43e'.repeat(depth));
    assert.ok(TxnRequest.decode(groups(nestingMax)));
    assert.throws(() => TxnRequest.decode(groups(nestingMax + 1)), tooDeep);
    assert.throws(() => TxnRequest.decode(groups(500_000)), tooDeep);
  });
});

describe('decoding', () => {
  it('makes no more of many small parts than they are', () => {
    const empties = new Uint8Array(1 << 20).fill(0);
    for (let i = 0; i < empties.length; i += 2) empties[i] = 0x12;
    assert.equal(MemberListResponse.decode(empties).members.length, 1 << 19);
  });

  it('gives bytes as views of the input', () => {
    const encoded = PutRequest.encode({ key: utf8('a'), value: utf8('v') });
    assert.equal(PutRequest.decode(encoded).value.buffer, encoded.buffer);
  });

  it('gives every message its own lists', () => {
    assert.notEqual(TxnRequest.create().success, TxnRequest.create().success);
    assert.ok(new WireError('x') instanceof Error);
  });
});
