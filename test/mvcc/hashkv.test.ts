import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { utf8 } from '../../src/base/bytes.ts';
import { CompactionHashes } from '../../src/mvcc/compaction-hashes.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { compactionHashFold, hashKvFold } from '../../src/mvcc/hash.ts';
import type { HashKvFold, WriteTxn } from '../../src/mvcc/types.ts';
import { rangeOf, TestStore } from './rows.ts';

/** One member as far as HashKV goes: what the server does around the store. */
class HashMember {
  /** How many keys a compaction looks at right away; the rest when the next compaction comes. */
  readonly keysAtOnce: number;
  private test = new TestStore();
  private hashes = new CompactionHashes();
  private compaction: IndexCompaction | undefined;

  constructor(keysAtOnce: number) {
    this.keysAtOnce = keysAtOnce;
  }

  run(line: string): string {
    const [verb, ...words] = line.split(' ');
    if (verb === 'hash') return this.hash(Number(words[0]));
    if (verb === 'compact') this.compact(Number(words[0]));
    else if (verb === 'restart') this.restart();
    else if (verb === 'txn') this.write(line.slice('txn '.length).split('; '));
    else this.write([line]);
    return '';
  }

  private write(operations: readonly string[]): void {
    this.test.txn((txn) => {
      for (const operation of operations) writeOne(txn, operation);
    });
  }

  private compact(revision: number): void {
    this.advance(Infinity);
    const { store } = this.test;
    const previous = store.compactRevision;
    store.compact(revision);
    const fold = compactionHashFold(store, previous);
    this.compaction = new IndexCompaction(store, revision);
    assert.equal(this.compaction.isPostponed, true);
    assert.deepEqual(this.compaction.advance(1), { deleted: [], isDone: false });
    this.hashes.add({ hash: this.fold(fold), revision, compactRevision: previous });
    this.advance(this.keysAtOnce);
  }

  private advance(keys: number): void {
    for (let i = 0; i < keys && this.compaction !== undefined; i++) {
      const { deleted, isDone } = this.compaction.advance(1);
      this.test.rows.delete(deleted);
      if (isDone) this.compaction = undefined;
    }
  }

  private restart(): void {
    this.test = this.test.restored();
    this.hashes = new CompactionHashes();
    const { store } = this.test;
    if (this.compaction !== undefined) {
      this.compaction = new IndexCompaction(store, store.compactRevision);
    }
  }

  private hash(asked: number): string {
    const { store } = this.test;
    const remembered = this.hashes.find(asked);
    if (remembered === undefined && asked > 0 && asked < store.compactRevision) {
      return 'etcdserver: mvcc: required revision has been compacted';
    }
    const revision = asked === 0 ? store.revision : asked;
    const { compactRevision } = store;
    const answer = remembered ?? {
      hash: this.fold(hashKvFold(store, revision)),
      revision,
      compactRevision,
    };
    return `${answer.hash} of revision ${answer.revision}, compacted at ${answer.compactRevision}`;
  }

  private fold(fold: HashKvFold): number {
    const rows = this.test.rows.sorted();
    for (let i = 0; i < rows.length; i += 2) fold.feed(rows.slice(i, i + 2));
    return fold.result();
  }
}

function writeOne(txn: WriteTxn, operation: string): void {
  const [verb, key = '', second = '', lease] = operation.split(' ');
  if (verb === 'put') txn.put(utf8(key), utf8(second), lease === undefined ? 0n : 1234n);
  else txn.deleteRange(rangeOf(key, second));
}

const recorded = readFileSync(
  new URL('../../../test/mvcc/testdata/hashkv.txt', import.meta.url),
  'utf8',
);
const parts = recorded.split('\n# ').slice(1);

describe("HashKV is etcd's", () => {
  for (const [how, keysAtOnce] of [
    ['rows deleted at once', Infinity],
    ['rows deleted in part', 2],
    ['rows deleted only before the next compaction', 0],
  ] as const) {
    describe(how, () => {
      for (const part of parts) {
        const [title, ...lines] = part.trim().split('\n');
        it(`${title}`, () => {
          const member = new HashMember(keysAtOnce);
          for (const line of lines) {
            const [request = '', expected = ''] = line.split(' -> ');
            assert.equal(member.run(request), expected, line);
          }
        });
      }
    });
  }
});
