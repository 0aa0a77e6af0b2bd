import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import type { Answer } from '../members/client.ts';
import { methodNamed, type WireObject } from '../members/protocol.ts';
import { difference } from './compare.ts';
import { Names } from './names.ts';
import { call, encodeOperation, type Operation } from './operation.ts';
import { OperationStream } from './stream.ts';
import { World } from './world.ts';

/** Field 1000, a varint. */
const unknownField = Buffer.from([0xc0, 0x3e, 0x05]);
const sortByValue = { key: Buffer.from('a'), sort_target: 4, sort_order: 1 };

function answer(message: WireObject, operation: Operation = call('KV.Range', {})): Answer {
  const method = 'method' in operation ? operation.method : 'KV.Range';
  const raw = methodNamed(method).responseSerialize(message);
  const decoded = methodNamed(method).responseDeserialize(raw) as WireObject;
  return { ok: true, message: decoded, raw, messages: 1 };
}

const pair = (key: string, value: string): WireObject => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
});

describe('differential: what counts as a difference', () => {
  const read = call('KV.Range', {});
  const header = (memberId: string, revision: string): WireObject => ({
    header: { cluster_id: '1', member_id: memberId, revision, raft_term: '2' },
  });

  it('ids and the term may differ, the revision may not', () => {
    assert.equal(difference(read, answer(header('3', '7')), answer(header('4', '7'))), undefined);
    assert.equal(
      difference(read, answer(header('3', '7')), answer(header('3', '8'))),
      '.header.revision: 7 against 8',
    );
  });

  it('an id that one side leaves out is a difference', () => {
    const without = answer({ header: { revision: '7' } });
    assert.match(difference(read, answer(header('3', '7')), without) ?? '', /cluster_id/);
  });

  it('errors are equal in code and text, whichever space protobuf-go has chosen', () => {
    const error = (code: number, text: string): Answer => ({ ok: false, code, text });
    assert.equal(difference(read, error(3, 'proto:\u00a0bad'), error(3, 'proto: bad')), undefined);
    assert.equal(difference(read, error(3, 'a'), error(11, 'a')), 'code 3 against 11');
    assert.equal(difference(read, error(3, 'a'), error(3, 'b')), 'the text of the error');
    assert.equal(difference(read, error(3, 'a'), answer({})), 'an error against an answer');
  });

  it('a field that proto/ does not declare is a difference', () => {
    const strange = answer({ count: '1' });
    assert.ok(strange.ok);
    const raw = Buffer.concat([strange.raw, unknownField]);
    const what = difference(read, answer({ count: '1' }), { ...strange, raw });
    assert.equal(what, '5 bytes, of which 2 are known fields');
  });

  it('key-value pairs that tie in the sort are a set', () => {
    const sorted = call('KV.Range', sortByValue);
    const one = answer({ kvs: [pair('a', '1'), pair('b', '1'), pair('c', '2')] });
    const other = answer({ kvs: [pair('b', '1'), pair('a', '1'), pair('c', '2')] });
    assert.equal(difference(sorted, one, other), undefined);
    assert.notEqual(difference(read, one, other), undefined);
    const wrongOrder = answer({ kvs: [pair('c', '2'), pair('a', '1'), pair('b', '1')] });
    assert.notEqual(difference(sorted, one, wrongOrder), undefined);
  });

  it('ties are found where the request was encoded by hand', () => {
    const bytes = Buffer.concat([
      encodeOperation(call('KV.Range', sortByValue), new Names()),
      unknownField,
    ]);
    const sorted: Operation = { ...call('KV.Range', sortByValue), kind: 'bytes', bytes };
    const [a, b] = [pair('a', '1'), pair('b', '1')];
    assert.equal(difference(sorted, answer({ kvs: [a, b] }), answer({ kvs: [b, a] })), undefined);
  });

  it('a tie that the limit cuts is compared by its size', () => {
    const sorted = call('KV.Range', { ...sortByValue, limit: '2' });
    const cut = (...kvs: readonly WireObject[]): Answer => answer({ kvs, more: true, count: '4' });
    const one = cut(pair('a', '1'), pair('b', '2'));
    assert.equal(difference(sorted, one, cut(pair('a', '1'), pair('c', '2'))), undefined);
    assert.notEqual(difference(sorted, one, cut(pair('a', '1'), pair('c', '3'))), undefined);
  });

  it('ties are found inside a nested transaction', () => {
    const txn = call('KV.Txn', {
      success: [{ request_txn: { failure: [{ request_range: sortByValue }] } }],
    });
    const nested = (...kvs: readonly WireObject[]): Answer => {
      const inner = { responses: [{ response_range: { kvs } }] };
      return answer({ succeeded: true, responses: [{ response_txn: inner }] }, txn);
    };
    const [a, b] = [pair('a', '1'), pair('b', '1')];
    assert.equal(difference(txn, nested(a, b), nested(b, a)), undefined);
    assert.notEqual(difference(txn, nested(a, b), nested(a, pair('b', '2'))), undefined);
  });
});

describe('differential: the stream', () => {
  it('is the same for the same seed', () => {
    const encoded = (seed: number): readonly string[] => {
      const stream = new OperationStream(seed, new World());
      const groups = Array.from({ length: 100 }, () => stream.nextGroup(16));
      return groups
        .flat()
        .map((operation) => Buffer.from(encodeOperation(operation, new Names())).toString('hex'));
    };
    assert.deepEqual(encoded(7), encoded(7));
    assert.notDeepEqual(encoded(7), encoded(8));
  });

  it('sends a write alone', () => {
    const stream = new OperationStream(seededRandom(1).below(1_000), new World());
    for (let i = 0; i < 300; i++) {
      const group = stream.nextGroup(16);
      const writes = group.filter(({ kind, ...rest }) => kind === 'call' && isWrite(rest));
      assert.ok(writes.length === 0 || group.length === 1);
    }
  });

  const isWrite = (operation: object): boolean =>
    'method' in operation && /KV\.(Put|Txn|DeleteRange|Compact)/.test(String(operation.method));
});
