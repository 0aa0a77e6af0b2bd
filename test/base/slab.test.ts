import assert from 'node:assert/strict';
import { Slab } from '../../src/base/slab.ts';

describe('a slab', () => {
  const lengths = [0, 1, 64, 65, 100, 511, 512, 513, 3000, 70, 200, 0, 480];

  it('gives arrays of the length asked for, zeroed, none of which overlaps another', () => {
    const slab = new Slab(4096);
    const parts = Array.from({ length: 40 }, (_, i) => slab.take(lengths[i % lengths.length] ?? 0));
    parts.forEach((part, i) => assert.equal(part.length, lengths[i % lengths.length]));
    for (const part of parts) assert.ok(part.every((byte) => byte === 0));
    parts.forEach((part, i) => part.fill(i + 1));
    parts.forEach((part, i) => assert.ok(part.every((byte) => byte === i + 1)));
  });

  it('puts many into one chunk, and what is large by itself', () => {
    const slab = new Slab(4096);
    const chunks = new Set(Array.from({ length: 30 }, () => slab.take(100).buffer));
    assert.equal(chunks.size, 1);
    assert.equal(slab.take(600).buffer.byteLength, 600);
  });
});
