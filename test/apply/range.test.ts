import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { isOneRow, RangeCursor, readOneRow } from '../../src/apply/range.ts';
import type { Outcome } from '../../src/wire/errors.ts';
import { RangeRequest, SortOrder, SortTarget, type RangeResponse } from '../../src/wire/kv.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { keys, Machine, range, refusal, show, value, granted } from './harness.ts';
import { NaiveStore } from './naive-store.ts';
import { storeKinds } from './stores.ts';

const { ASCEND, DESCEND } = SortOrder;
const { VERSION, CREATE, MOD, VALUE } = SortTarget;
const compacted = { code: 11, text: 'etcdserver: mvcc: required revision has been compacted' };
const future = { code: 11, text: 'etcdserver: mvcc: required revision is a future revision' };

// etcd server/etcdserver/txn/range.go; the rules by number are those of its API documentation.
for (const [name, newStore] of storeKinds) {
  describe(`Range on ${name}`, () => {
    /** a at 2 and 5 (version 2), b at 3, c at 4, d at 6 and gone at 7. */
    function filled(): Machine {
      const machine = new Machine(newStore());
      for (const [key, text] of [
        ['a', '9'],
        ['b', '7'],
        ['c', '8'],
        ['a', '1'],
        ['d', '5'],
      ] as const) {
        value(machine.put({ key, value: text }));
      }
      value(machine.del({ key: 'd' }));
      return machine;
    }
    const all = { key: '\0', rangeEnd: '\0' };

    it('answers the stored key-values in key order, their count and the newest revision', () => {
      const response = value(filled().range(all));
      assert.deepEqual(response.kvs.map(show), ['a=1 2/5/2', 'b=7 3/3/1', 'c=8 4/4/1']);
      assert.equal(response.count, 3);
      assert.equal(response.more, false);
      const header = { clusterId: 0n, memberId: 0n, revision: 7, raftTerm: 0 };
      assert.deepEqual(response.header, header, 'the revision alone: layer 5 fills in the rest');
    });

    it('on a fresh store answers nothing at revision 1', () => {
      const response = value(new Machine(newStore()).range(all));
      assert.deepEqual(response.kvs, []);
      assert.equal(response.header?.revision, 1);
    });

    it('reads range ends as one key, from the key on, up to the end, or nothing', () => {
      const machine = filled();
      const found = (key: string, rangeEnd: string) =>
        keys(value(machine.range({ key, rangeEnd }))).join('');
      assert.equal(found('b', ''), 'b');
      assert.equal(found('d', ''), '');
      assert.equal(found('b', '\0'), 'bc');
      assert.equal(found('a', 'c'), 'ab');
      assert.equal(found('a', 'b\0'), 'ab');
      assert.equal(found('b', 'b'), '');
      assert.equal(found('c', 'a'), '');
      assert.equal(found('\0', '\0'), 'abc');
    });

    it('shows an older revision under the header of the newest', () => {
      const machine = filled();
      const at = (revision: number) => value(machine.range({ ...all, revision }));
      assert.deepEqual(at(4).kvs.map(show), ['a=9 2/2/1', 'b=7 3/3/1', 'c=8 4/4/1']);
      assert.equal(at(4).header?.revision, 7);
      assert.deepEqual(keys(at(6)), ['a', 'b', 'c', 'd'], 'before the deletion');
      assert.deepEqual(keys(at(1)), []);
      assert.deepEqual(keys(at(-3)), ['a', 'b', 'c'], 'a negative revision is the newest');
    });

    it('refuses future and compacted revisions; the compacted one itself can be read', () => {
      const machine = filled();
      assert.deepEqual(refusal(machine.range({ ...all, revision: 8 })), future);
      value(machine.compact(5));
      assert.deepEqual(refusal(machine.range({ ...all, revision: 4 })), compacted);
      assert.deepEqual(keys(value(machine.range({ ...all, revision: 5 }))), ['a', 'b', 'c']);
      assert.deepEqual(refusal(machine.range({ ...all, revision: 8, limit: 1 })), future);
    });

    it('cuts at the limit, says so, and counts regardless', () => {
      const machine = filled();
      const limited = (limit: number) => value(machine.range({ ...all, limit }));
      assert.deepEqual(
        [keys(limited(2)), limited(2).more, limited(2).count],
        [['a', 'b'], true, 3],
      );
      assert.deepEqual([keys(limited(3)), limited(3).more], [['a', 'b', 'c'], false]);
      assert.deepEqual([keys(limited(-1)), limited(-1).more], [['a', 'b', 'c'], false]);
      assert.equal(limited(Number.MAX_SAFE_INTEGER).kvs.length, 3);
    });

    it('sorts by every target in both directions', () => {
      const machine = filled();
      const sorted = (sortTarget: number, sortOrder: number) =>
        keys(value(machine.range({ ...all, sortTarget, sortOrder }))).join('');
      assert.equal(sorted(SortTarget.KEY, ASCEND), 'abc');
      assert.equal(sorted(SortTarget.KEY, DESCEND), 'cba');
      assert.equal(sorted(VERSION, DESCEND), 'abc', 'ties in key order');
      assert.equal(sorted(VERSION, ASCEND), 'bca');
      assert.equal(sorted(CREATE, DESCEND), 'cba');
      assert.equal(sorted(MOD, ASCEND), 'bca');
      assert.equal(sorted(MOD, DESCEND), 'acb');
      assert.equal(sorted(VALUE, ASCEND), 'abc');
      assert.equal(sorted(VALUE, DESCEND), 'cba');
    });

    it('cuts a sorted range after sorting it', () => {
      const machine = filled();
      for (const sortTarget of [MOD, VALUE]) {
        const response = value(machine.range({ ...all, sortTarget, sortOrder: DESCEND, limit: 1 }));
        assert.deepEqual(keys(response), [sortTarget === MOD ? 'a' : 'c']);
        assert.equal(response.more, true);
        assert.equal(response.count, 3);
        const whole = { ...all, sortTarget, sortOrder: DESCEND, limit: 3 };
        assert.equal(value(machine.range(whole)).more, false);
      }
    });

    it('with a target but no order cuts one above the limit first, and sorts that', () => {
      const response = value(filled().range({ ...all, sortTarget: MOD, limit: 1 }));
      assert.deepEqual(keys(response), ['b'], 'a and b were looked at, and b is the older');
      assert.equal(response.more, true);
      const filtered = { ...all, sortTarget: MOD, limit: 1, maxModRevision: 4 };
      assert.deepEqual(keys(value(filled().range(filtered))), ['b'], 'all were looked at');
    });

    it('filters by revisions, bounds included, before it cuts; the count stays', () => {
      const machine = filled();
      const filtered = (fields: object) => value(machine.range({ ...all, ...fields }));
      assert.deepEqual(keys(filtered({ minModRevision: 4 })), ['a', 'c']);
      assert.deepEqual(keys(filtered({ maxModRevision: 4 })), ['b', 'c']);
      assert.deepEqual(keys(filtered({ minCreateRevision: 3, maxCreateRevision: 3 })), ['b']);
      assert.deepEqual(keys(filtered({ maxModRevision: -1 })), [], 'a negative bound is one');
      assert.equal(filtered({ minModRevision: 4 }).count, 3);
      const cut = filtered({ minModRevision: 4, limit: 1 });
      assert.deepEqual([keys(cut), cut.more], [['a'], true]);
      const whole = filtered({ maxModRevision: 3, limit: 1 });
      assert.deepEqual([keys(whole), whole.more], [['b'], false]);
    });

    it('of a single key filters and counts as of any range', () => {
      const machine = filled();
      const response = value(machine.range({ key: 'a', maxModRevision: 4 }));
      assert.deepEqual([response.kvs.length, response.count, response.more], [0, 1, false]);
    });

    it('keys only: no value and no lease, but for the order by value the lease', () => {
      const machine = new Machine(newStore(), granted(7n));
      value(machine.put({ key: 'a', value: 'v', lease: 7n }));
      const only = (fields: object) => value(machine.range({ ...all, keysOnly: true, ...fields }));
      assert.deepEqual(only({}).kvs.map(show), ['a= 2/2/1']);
      assert.deepEqual(only({ sortTarget: VALUE }).kvs.map(show), ['a= 2/2/1 lease 7']);
      assert.equal(only({}).count, 1);
    });

    it('keys only, sorted by the values that it leaves out', () => {
      const fields = { ...all, keysOnly: true, sortTarget: VALUE, sortOrder: DESCEND, limit: 2 };
      const response = value(filled().range(fields));
      assert.deepEqual(response.kvs.map(show), ['c= 4/4/1', 'b= 3/3/1']);
    });

    it('count only: the count alone, whatever the limit', () => {
      const response = value(filled().range({ ...all, countOnly: true, limit: 1 }));
      assert.deepEqual([response.kvs, response.count, response.more], [[], 3, false]);
    });

    it('in slices answers the revision it began at, whatever is written meanwhile', () => {
      const machine = filled();
      const cursor = value(RangeCursor.open(machine.store, range({ ...all, limit: 3 })));
      assert.equal(cursor.advance(1, 1).isDone, false);
      value(machine.put({ key: 'b', value: 'new' }));
      value(machine.put({ key: 'bb', value: 'new' }));
      value(machine.del({ key: 'c' }));
      let slices = 1;
      while (!cursor.advance(1, 1).isDone) slices += 1;
      const response = value(cursor.response());
      assert.deepEqual(response.kvs.map(show), ['a=1 2/5/2', 'b=7 3/3/1', 'c=8 4/4/1']);
      assert.deepEqual([response.header?.revision, response.count, response.more], [7, 3, false]);
      assert.ok(slices >= 6, 'a row is found in one slice and read in another');
    });

    it('in slices of any size comes to the same answer', () => {
      const machine = filled();
      const requests = [{}, { limit: 2 }, { sortTarget: VALUE }, { minModRevision: 4 }];
      for (const fields of requests) {
        const whole = value(machine.range({ ...all, ...fields }));
        for (const [rowsMax, bytesMax] of [
          [1, 1],
          [2, 1000],
          [1000, 20],
          [0, 0],
        ] as const) {
          const cursor = value(RangeCursor.open(machine.store, range({ ...all, ...fields })));
          for (let i = 0; !cursor.advance(rowsMax, bytesMax).isDone; i++) assert.ok(i < 20);
          assert.deepEqual(value(cursor.response()), whole);
        }
      }
    });

    it('ends when a compaction above it comes between two slices', () => {
      const machine = filled();
      const cursor = value(RangeCursor.open(machine.store, range({ ...all, revision: 5 })));
      cursor.advance(1, 1);
      value(machine.compact(5));
      assert.equal(cursor.advance(1, 1).isDone, false, 'the compacted revision can be read');
      value(machine.compact(6));
      assert.equal(cursor.advance(1, 1).isDone, true);
      assert.deepEqual(refusal(cursor.response()), compacted);
    });
  });
}

describe('the cost of Range', () => {
  it('a limited range at the newest revision looks at one key more than it answers', () => {
    const store = new NaiveStore();
    const machine = new Machine({ store, keep: () => undefined });
    for (let i = 0; i < 50; i++) machine.put({ key: `k${100 + i}`, value: 'v' });
    const response = value(machine.range({ key: 'k', rangeEnd: 'l', limit: 5 }));
    assert.equal(response.kvs.length, 5);
    assert.deepEqual(store.scanned, [6]);
  });

  it('a stored row is passed on as it is', () => {
    const store = new NaiveStore();
    const machine = new Machine({ store, keep: () => undefined });
    machine.put({ key: 'a', value: 'v' });
    const [kv] = value(machine.range({ key: 'a' })).kvs;
    assert.ok(kv !== undefined && kv === machine.last?.rows[0]?.value);
    assert.equal(textOf(KeyValue.decode(kv).value), 'v');
  });
});

for (const [name, newStore] of storeKinds) {
  describe(`a range that is one look-up, on ${name}`, () => {
    const machine = new Machine(newStore());
    for (const text of ['1', '2', '3']) value(machine.put({ key: 'a', value: text }));
    value(machine.put({ key: 'b', value: '4' }));
    value(machine.del({ key: 'b' }));
    value(machine.put({ key: 'b', value: '5' }));
    value(machine.compact(3));

    /** What the cursor, which every other range goes through, makes of it. */
    const byCursor = (request: RangeRequest): Outcome<RangeResponse> => {
      const opened = RangeCursor.open(machine.store, request);
      if (!opened.ok) return opened;
      while (!opened.value.advance(1, 1).isDone);
      return opened.value.response();
    };

    it('answers what the cursor answers', () => {
      const bound = fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 9 }));
      const request = fc.record({
        key: fc.constantFrom(utf8('a'), utf8('b'), utf8('c')),
        revision: bound,
        limit: bound,
        sortOrder: fc.integer({ min: 0, max: 2 }),
        sortTarget: fc.integer({ min: 0, max: 3 }),
        minModRevision: bound,
        maxModRevision: bound,
        minCreateRevision: bound,
        maxCreateRevision: bound,
      });
      fc.assert(
        fc.property(request, (fields) => {
          const asked = RangeRequest.create(fields);
          assert.ok(isOneRow(asked));
          assert.deepEqual(readOneRow(machine.store, asked), byCursor(asked));
        }),
        { numRuns: 1000 },
      );
    });

    it('is none that asks for more, less or another order than its row', () => {
      const key = utf8('a');
      assert.ok(isOneRow(RangeRequest.create({ key })));
      for (const fields of [
        { rangeEnd: utf8('b') },
        { keysOnly: true },
        { countOnly: true },
        { sortTarget: VALUE },
      ])
        assert.ok(!isOneRow(RangeRequest.create({ key, ...fields })));
    });
  });
}
