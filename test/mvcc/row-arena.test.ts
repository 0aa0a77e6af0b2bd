import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Bytes } from '../../src/base/bytes.ts';
import { RangeResponse } from '../../src/wire/kv.ts';
import { KvsWriter } from '../../src/wire/kvs-writer.ts';
import { RowArena, arenaRowBytesMax, slabBytes } from '../../src/mvcc/row-arena.ts';

/** A row that says which it is. */
function rowOf(main: number, sub: number, length: number): Bytes {
  return new Uint8Array(length).fill((main * 31 + sub * 7) % 251);
}

describe('The arena of rows', () => {
  it('answers with the row that was put in, or with none', () => {
    const revision = fc.record({
      main: fc.oneof(fc.nat(40), fc.constantFrom(2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1)),
      sub: fc.nat(3),
      length: fc.oneof(fc.nat(300), fc.constantFrom(0, arenaRowBytesMax, arenaRowBytesMax + 1)),
    });
    fc.assert(
      fc.property(
        fc.array(revision, { maxLength: 200, size: 'max' }),
        fc.nat(4),
        (revisions, slabs) => {
          const arena = new RowArena(slabs * slabBytes);
          const rows = new Map<string, Bytes>();
          for (const { main, sub, length } of revisions) {
            const known = rows.get(`${main}.${sub}`);
            const row = known ?? rowOf(main, sub, length);
            rows.set(`${main}.${sub}`, row);
            arena.add(main, sub, row);
            for (const asked of revisions) {
              const found = arena.get(asked.main, asked.sub);
              const expected = rows.get(`${asked.main}.${asked.sub}`);
              if (found !== undefined) assert.deepEqual(found, expected);
            }
            const fits = slabs > 0 && row.length <= arenaRowBytesMax;
            assert.equal(arena.get(main, sub) !== undefined, fits);
          }
        },
      ),
    );
  });

  it('keeps the rows written last, as many as its bytes hold', () => {
    const arena = new RowArena(16 * slabBytes);
    const count = 40_000;
    for (let main = 2; main < count; main++) arena.add(main, 0, rowOf(main, 0, 256));
    let found = 0;
    for (let main = 2; main < count; main++) {
      if (arena.get(main, 0) !== undefined) found++;
    }
    const capacity = (16 * slabBytes) / (256 + 3);
    assert.ok(found > 0.9 * capacity && found <= capacity, `${found} of ${capacity}`);
    for (let main = count - 1000; main < count; main++) {
      assert.deepEqual(arena.get(main, 0), rowOf(main, 0, 256));
    }
    assert.equal(arena.get(2, 0), undefined);
  });

  it('keeps what is read again and again while others come and go', () => {
    const arena = new RowArena(16 * slabBytes);
    arena.add(2, 0, rowOf(2, 0, 100));
    for (let main = 3; main < 100_000; main++) {
      arena.add(main, 0, rowOf(main, 0, 256));
      if (main % 500 === 0) assert.deepEqual(arena.get(2, 0), rowOf(2, 0, 100), `at ${main}`);
    }
  });

  it('loses none of what fits by reading it, in whatever order and however often', () => {
    const arena = new RowArena(16 * slabBytes);
    const count = Math.floor((16 * slabBytes * 0.97) / (256 + 3));
    const at = (i: number) => ({ main: 2 + Math.floor(i / 100), sub: i % 100 });
    for (let i = 0; i < count; i++)
      arena.add(at(i).main, at(i).sub, rowOf(at(i).main, at(i).sub, 256));
    let missed = 0;
    for (let i = 0, pick = 1; i < 10 * count; i++) {
      pick = (Math.imul(pick, 1664525) + 1013904223) >>> 0;
      const { main, sub } = at(pick % count);
      if (arena.get(main, sub) === undefined) missed++;
    }
    // A bucket may be crowded.
    assert.ok(missed < (10 * count) / 1000, `${missed} of ${10 * count}`);
  });

  it('keeps what is read while more is written than it holds', () => {
    const arena = new RowArena(16 * slabBytes);
    for (let main = 2; main < 5_000; main++) arena.add(main, 0, rowOf(main, 0, 256));
    let lost = 0;
    for (let main = 5_000; main < 200_000; main++) {
      arena.add(main, 0, rowOf(main, 0, 256));
      const read = 2 + (main % 4_998);
      if (arena.get(read, 0) !== undefined) continue;
      arena.add(read, 0, rowOf(read, 0, 256));
      lost++;
    }
    assert.ok(lost < 2_000, `${lost} were lost`);
  });

  it('appends rows to an answer as they are, in one stretch or many', () => {
    const arena = new RowArena(16 * slabBytes);
    const rows = [];
    for (let main = 2; main < 3_000; main++) {
      const row = rowOf(main, 0, (main * 37) % 400);
      arena.add(main, 0, row);
      rows.push(row);
    }
    for (const step of [1, 2, 700]) {
      const writer = new KvsWriter();
      const expected = [];
      for (let i = 0; i < rows.length; i += step) {
        assert.ok(arena.maybeCopy(2 + i, 0, writer));
        expected.push(rows[i] as Bytes);
        if (i % 5 === 0) {
          writer.add(Uint8Array.of(i & 0xff));
          expected.push(Uint8Array.of(i & 0xff));
        }
      }
      assert.equal(arena.maybeCopy(1, 0, writer), false);
      const answer = { header: undefined, more: true, count: 7 };
      const whole = RangeResponse.encode({ ...answer, kvs: expected });
      assert.equal(writer.length, whole.length - RangeResponse.encode(answer).length);
      assert.deepEqual(writer.finish(answer), whole);
    }
  });

  it('never writes where a row may still be looked at', () => {
    const arena = new RowArena(2 * slabBytes);
    arena.add(2, 0, rowOf(2, 0, 1000));
    const view = arena.get(2, 0);
    for (let main = 3; main < 10_000; main++) arena.add(main, 0, rowOf(main, 0, 1000));
    assert.equal(arena.get(2, 0), undefined);
    assert.deepEqual(view, rowOf(2, 0, 1000));
  });

  it('is empty after it was cleared', () => {
    const arena = new RowArena(2 * slabBytes);
    arena.add(2, 0, rowOf(2, 0, 10));
    arena.clear();
    assert.equal(arena.get(2, 0), undefined);
    arena.add(2, 0, rowOf(3, 0, 10));
    assert.deepEqual(arena.get(2, 0), rowOf(3, 0, 10));
  });
});
