import assert from 'node:assert/strict';
import { decodeAnswer, encodeRequest } from './codec.ts';
import { expandValue, foldValue } from './padding.ts';
import type { Request } from './requests.ts';

describe('jepsen-lite: requests and answers', () => {
  it('name a large value by its text and its size, and check every byte of it', () => {
    const wire = expandValue('9-17+100000');
    assert.equal(wire.length, '9-17+100000'.length + 1 + 100_000);
    assert.equal(foldValue(wire), '9-17+100000');
    for (const at of [12, 50_000, wire.length - 1]) {
      const torn = Uint8Array.from(wire);
      torn[at] = (torn[at] ?? 0) ^ 1;
      assert.match(foldValue(torn), /^damaged 9-17\+100000/);
    }
    assert.match(foldValue(wire.subarray(0, 70_000)), /^damaged 9-17\+100000, \d+ bytes/);
    for (const plain of ['', '9-17', 'start', '3 4 9-1']) {
      assert.equal(foldValue(expandValue(plain)), plain);
    }
  });

  it('ask for counts, keys alone and previous values, and read what is said of them', () => {
    const range: Request = { success: [{ op: 'get', key: 'a', end: 'b', limit: 1, counts: true }] };
    const call = encodeRequest(range);
    assert.equal(call.method, 'KV.Range');
    const kv = { key: Buffer.from('a'), value: Buffer.from('x'), mod_revision: '3' };
    const answer = decodeAnswer(range, call, { kvs: [kv], more: true, count: '7' });
    assert.deepEqual([answer.results[0]?.count, answer.results[0]?.more], [7, true]);

    const only: Request = { success: [{ op: 'get', key: 'a', end: 'b', only: 'count' }] };
    assert.equal(encodeRequest(only).request['count_only'], true);
    assert.deepEqual(decodeAnswer(only, encodeRequest(only), {}).results, [{ kvs: [], count: 0 }]);

    const put: Request = { success: [{ op: 'put', key: 'a', value: 'y', prevKv: true }] };
    assert.equal(encodeRequest(put).request['prev_kv'], true);
    const before = decodeAnswer(put, encodeRequest(put), { prev_kv: kv }).results[0]?.prevKvs;
    assert.deepEqual(
      before?.map(({ value }) => value),
      ['x'],
    );
    assert.deepEqual(decodeAnswer(put, encodeRequest(put), {}).results[0]?.prevKvs, []);
  });
});
