import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { PutRequest } from '../../src/wire/kv.ts';

describe('encoding with one writer per codec', () => {
  const fields = { key: utf8('a'), value: utf8('1'), lease: 7n };

  it('leaves nothing of a message in the next one', () => {
    const large = PutRequest.encode({ key: utf8('b'), value: new Uint8Array(200_000).fill(1) });
    const first = PutRequest.encode(fields);
    PutRequest.encode({ key: utf8('zzzz') });
    assert.deepEqual(PutRequest.decode(first), PutRequest.create(fields));
    assert.equal(PutRequest.decode(large).value.length, 200_000);
    assert.deepEqual(PutRequest.encode(fields), first);
  });

  it('leaves nothing of a message that could not be encoded either', () => {
    const expected = PutRequest.encode(fields);
    const broken = {
      ...fields,
      key: undefined as unknown as Uint8Array,
      value: 5 as unknown as Uint8Array,
    };
    assert.throws(() => PutRequest.encode({ ...broken, lease: 3n }));
    assert.deepEqual(PutRequest.encode(fields), expected);
  });
});
