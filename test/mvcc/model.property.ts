import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { binaryString } from '../../src/base/bytes.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import { decodeRowKey } from '../../src/mvcc/revision.ts';
import type { KeyVersion } from '../../src/mvcc/types.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { latin1, StoreModel, textRange, type ModelVersion, type ModelWrite } from './model.ts';
import { TestStore } from './rows.ts';

/** The store under test, with the compaction that is under way. */
interface Real {
  test: TestStore;
  compaction: IndexCompaction | undefined;
}

type Command = fc.Command<StoreModel, Real>;

function command(name: string, run: (model: StoreModel, real: Real) => void): Command {
  return { check: () => true, run, toString: () => name };
}

function seen({ store }: TestStore, version: KeyVersion): ModelVersion {
  const row = store.read(version);
  const { key, value, createRevision, modRevision, version: number } = KeyValue.decode(row);
  const { modSub } = version;
  assert.deepEqual(
    { key, createRevision, modRevision, version: number, modSub, rowBytes: row.length },
    version,
  );
  return {
    key: binaryString(key),
    value: binaryString(value),
    createRevision,
    modRevision,
    modSub: version.modSub,
    version: number,
  };
}

/** Compares all that can be read of a range at one revision; undefined is the newest. */
function compare(model: StoreModel, real: Real, question: Question): void {
  const { from, to, limit } = question;
  const { test } = real;
  const readable = model.revision - Math.max(model.compactRevision, 0) + 1;
  const revision =
    question.back === undefined ? undefined : model.revision - (question.back % readable);
  const expected = model.within(from, to, revision);
  const range = textRange(from, to);
  assert.equal(test.store.count(range, revision), expected.length);
  const found = test.store.scan(range, limit, revision).map((version) => seen(test, version));
  assert.deepEqual(found, expected.slice(0, limit));
  const one = test.store.get(latin1(from), revision);
  const expectedOne = model.live(revision).find(({ key }) => key === from);
  assert.deepEqual(one === undefined ? undefined : seen(test, one), expectedOne);
}

interface Question {
  readonly from: string;
  readonly to: string | undefined;
  readonly limit: number;
  /** How many revisions before the newest; undefined asks for the newest without a revision. */
  readonly back: number | undefined;
}

function advance(real: Real, keysMax: number): void {
  if (real.compaction === undefined) return;
  const { deleted, isDone } = real.compaction.advance(keysMax);
  assert(deleted.length <= keysMax);
  real.test.rows.delete(deleted);
  if (isDone) real.compaction = undefined;
}

function finishCompaction(real: Real, keysMax: number): void {
  while (real.compaction !== undefined) advance(real, keysMax);
}

function rowRevisions(real: Real): string[] {
  return real.test.rows.sorted().map(({ key }) => {
    const { main, sub, isTombstone } = decodeRowKey(key);
    return `${main}.${sub}${isTombstone ? 't' : ''}`;
  });
}

const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'ab', 'abc', 'b', 'c', 'd', '\0', '\xff', 'a\0') },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 9 }),
  },
);
const end = fc.option(key, { nil: undefined });
const write: fc.Arbitrary<ModelWrite> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: key, value: fc.string({ maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ deleteFrom: key, deleteTo: end }) },
);
const question: fc.Arbitrary<Question> = fc.record({
  from: key,
  to: end,
  limit: fc.oneof(fc.nat(4), fc.constant(Infinity)),
  back: fc.option(fc.nat(40), { nil: undefined }),
});

const txn = fc.array(write, { maxLength: 4 }).map((writes) =>
  command(`txn(${JSON.stringify(writes)})`, (model, { test }) => {
    test.txn((open) => {
      for (const each of writes) {
        if ('put' in each) open.put(latin1(each.put), latin1(each.value), 0n);
        else open.deleteRange(textRange(each.deleteFrom, each.deleteTo));
      }
    });
    model.txn(writes);
    assert.equal(test.store.revision, model.revision);
  }),
);

const read = question.map((asked) =>
  command(`read(${JSON.stringify(asked)})`, (model, real) => compare(model, real, asked)),
);

const compact = fc.nat(40).map((back) =>
  command(`compact(-${back})`, (model, real) => {
    if (model.compactRevision === model.revision) return;
    finishCompaction(real, 3);
    const revision = model.revision - (back % (model.revision - model.compactRevision));
    real.test.store.compact(revision);
    model.compactRevision = revision;
    real.compaction = new IndexCompaction(real.test.store, revision);
  }),
);

const slice = fc
  .integer({ min: 1, max: 4 })
  .map((keysMax) => command(`slice(${keysMax})`, (_model, real) => advance(real, keysMax)));

const settle = fc.constant(
  command('settle', (model, real) => {
    finishCompaction(real, 2);
    const expected = model
      .kept()
      .map(
        ({ modRevision, modSub, version }) => `${modRevision}.${modSub}${version === 0 ? 't' : ''}`,
      );
    assert.deepEqual(rowRevisions(real), expected);
  }),
);

const restart = fc.constant(
  command('restart', (model, real) => {
    real.test = real.test.restored();
    assert.equal(real.test.store.revision, model.revision);
    assert.equal(real.test.store.compactRevision, model.compactRevision);
    if (real.compaction !== undefined) {
      real.compaction = new IndexCompaction(real.test.store, model.compactRevision);
    }
  }),
);

describe('multi-version store beside the model', () => {
  it('answers reads of every kind at every revision as the model does, through compactions and restarts', () => {
    const commands = fc.commands([txn, txn, txn, read, read, compact, slice, settle, restart], {
      maxCommands: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(commands, question, (run, last) => {
        const model = new StoreModel();
        const real: Real = { test: new TestStore(), compaction: undefined };
        fc.modelRun(() => ({ model, real }), run);
        for (let back = 0; back < 8; back++) compare(model, real, { ...last, back });
      }),
      { numRuns: 500 },
    );
  });
});
