import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { evaluateRange } from '../../src/apply/range.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { keySuccessor } from '../../src/mvcc/key-range.ts';
import { RangeRequest } from '../../src/wire/kv.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { mustGet } from '../../src/base/assert.ts';
import { TestStore } from '../mvcc/rows.ts';
import { NaiveStore } from './naive-store.ts';

/** Lists that are read page by page at one revision, as Kubernetes does, while others write. */

const key = fc.nat(30).map((n) => `k${String(n).padStart(2, '0')}`);
const write = fc.record({ key, isDelete: fc.boolean() });
const writes = fc.array(write, { maxLength: 40, size: 'max' });

class Both {
  readonly test = new TestStore();
  readonly naive = new NaiveStore();

  write({ key: name, isDelete }: { readonly key: string; readonly isDelete: boolean }): void {
    const txn = this.naive.begin();
    if (isDelete) {
      txn.deleteRange({ from: utf8(name), to: keySuccessor(utf8(name)) });
      this.test.delete(name);
    } else {
      txn.put(utf8(name), utf8('1'), 0n);
      this.test.put(name, '1');
    }
    txn.end();
  }

  /** What both answer, which must be the same. */
  page(request: RangeRequest) {
    const answer = evaluateRange(this.test.store, request);
    assert.deepEqual(answer, evaluateRange(this.naive, request));
    assert.ok(answer.ok);
    return answer.value;
  }
}

describe('pages of a list', () => {
  it('say how many keys are left at their revision, whatever is written meanwhile', () => {
    fc.assert(
      fc.property(writes, writes, fc.integer({ min: 1, max: 6 }), (before, meanwhile, limit) => {
        const both = new Both();
        for (const one of before) both.write(one);
        const later = [...meanwhile];
        const rangeEnd = utf8('l');
        const first = both.page(RangeRequest.create({ key: utf8('k'), rangeEnd, limit }));
        const { revision } = mustGet(first.header, 'a header');
        for (let page = first; page.more;) {
          for (const one of later.splice(0, 3)) both.write(one);
          const last = KeyValue.decode(mustGet(page.kvs.at(-1), 'a key'));
          const next = { key: keySuccessor(last.key), rangeEnd, limit, revision };
          assert.equal(both.page(RangeRequest.create(next)).count, page.count - limit);
          both.page(RangeRequest.create({ ...next, keysOnly: true }));
          both.page(RangeRequest.create({ ...next, minModRevision: 3 }));
          both.page(RangeRequest.create({ ...next, revision: 0 }));
          page = both.page(RangeRequest.create(next));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('cost no look at what was written since their revision', () => {
    const { store, ...test } = new Both().test;
    for (let i = 0; i < 100; i++) new TestStore(test.rows, store).put(`k${i}`);
    const first = evaluateRange(store, RangeRequest.create({ ...all, limit: 10 }));
    assert.ok(first.ok);
    const { revision } = mustGet(first.value.header, 'a header');
    for (let i = 0; i < 100; i++) new TestStore(test.rows, store).put(`k${i}`);
    const changes = store.index.changes as { at: (position: number) => number };
    let looks = 0;
    const { at } = changes;
    changes.at = (position) => {
      looks++;
      return at.call(changes, position);
    };
    const last = KeyValue.decode(mustGet(first.value.kvs.at(-1), 'a key'));
    const next = RangeRequest.create({ ...all, key: keySuccessor(last.key), limit: 10, revision });
    const second = evaluateRange(store, next);
    assert.equal(second.ok && second.value.count, 90);
    assert.ok(looks < 60, `${looks} looks at changes`);
  });
});

const all = { key: utf8('k'), rangeEnd: utf8('l') };
