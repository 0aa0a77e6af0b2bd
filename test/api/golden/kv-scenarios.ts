import { utf8 } from '../../../src/base/bytes.ts';
import {
  Compare,
  CompareResult,
  CompareTarget,
  SortOrder,
  SortTarget,
} from '../../../src/wire/kv.ts';
import {
  compact,
  deleteRange,
  op,
  put,
  range,
  rangeStream,
  txn,
  type Scenario,
  type Step,
} from './scenario.ts';

const toEnd = '\0';
const all = { key: '\0', rangeEnd: toEnd };
const letters = (count: number): Step[] =>
  Array.from({ length: count }, (_, i) => {
    const letter = String.fromCharCode(97 + i);
    return put(`put ${letter}`, { key: letter, value: `value ${i % 3}` });
  });

export const putScenario: Scenario = {
  name: 'put',
  steps: [
    range('a fresh store is at revision 1', all),
    put('the first write is revision 2', { key: 'a', value: '1' }),
    put('an overwrite', { key: 'a', value: '2' }),
    put('the version before', { key: 'a', value: '3', prevKv: true }),
    put('no version before', { key: 'b', value: '', prevKv: true }),
    put('keep the value', { key: 'a', ignoreValue: true, prevKv: true }),
    put('keep the lease', { key: 'a', value: '4', ignoreLease: true }),
    put('keep a value that is not there', { key: 'none', ignoreValue: true }),
    put('keep a lease that is not there', { key: 'none', value: '1', ignoreLease: true }),
    put('no key', { value: '1' }),
    put('a value although it is to be kept', { key: 'a', value: '1', ignoreValue: true }),
    put('a lease although it is to be kept', {
      key: 'a',
      value: '1',
      lease: 1n,
      ignoreLease: true,
    }),
    put('an unknown lease', { key: 'a', value: '1', lease: 77n }),
    put('a negative lease', { key: 'a', value: '1', lease: -1n }),
    put('binary key and value', {
      key: new Uint8Array([0, 255, 128]),
      value: new Uint8Array([0, 1, 255]),
    }),
    range('what stands now', all),
  ],
};

export const rangeScenario: Scenario = {
  name: 'range',
  steps: [
    ...letters(6),
    put('c again', { key: 'c', value: 'value 9' }),
    deleteRange('delete e', { key: 'e' }),
    range('one key', { key: 'a' }),
    range('a missing key', { key: 'zz' }),
    range('half-open', { key: 'b', rangeEnd: 'd' }),
    range('from a key on', { key: 'd', rangeEnd: toEnd }),
    range('everything', all),
    range('an end before the key', { key: 'd', rangeEnd: 'a' }),
    range('an end equal to the key', { key: 'd', rangeEnd: 'd' }),
    range('limit below the count', { ...all, limit: 2 }),
    range('limit equal to the count', { ...all, limit: 5 }),
    range('a negative limit', { ...all, limit: -1 }),
    range('limit and descending order', { ...all, limit: 2, sortOrder: SortOrder.DESCEND }),
    range('an older revision', { ...all, revision: 4 }),
    range('an older revision with a limit', { ...all, revision: 9, limit: 1 }),
    range('revision 1', { ...all, revision: 1 }),
    range('a negative revision', { ...all, revision: -5 }),
    range('a future revision', { ...all, revision: 1000 }),
    range('serializable', { ...all, serializable: true }),
    range('keys only', { ...all, keysOnly: true }),
    range('count only', { ...all, countOnly: true }),
    range('count only with a limit', { ...all, countOnly: true, limit: 1 }),
    range('count only of nothing', { key: 'x', countOnly: true }),
    range('by value', {
      ...all,
      sortTarget: SortTarget.VALUE,
      sortOrder: SortOrder.ASCEND,
      limit: 1,
    }),
    range('by version, descending', {
      ...all,
      sortTarget: SortTarget.VERSION,
      sortOrder: SortOrder.DESCEND,
      limit: 1,
    }),
    range('by mod revision, no order', { ...all, sortTarget: SortTarget.MOD, limit: 2 }),
    range('by create revision, descending', {
      ...all,
      sortTarget: SortTarget.CREATE,
      sortOrder: SortOrder.DESCEND,
    }),
    range('keys only by value', {
      ...all,
      keysOnly: true,
      sortTarget: SortTarget.VALUE,
      sortOrder: SortOrder.DESCEND,
      limit: 1,
    }),
    range('min mod revision', { ...all, minModRevision: 5 }),
    range('max mod revision', { ...all, maxModRevision: 4 }),
    range('mod revisions with a limit', { ...all, minModRevision: 3, maxModRevision: 7, limit: 1 }),
    range('create revisions', { ...all, minCreateRevision: 3, maxCreateRevision: 5 }),
    range('an unknown order', { ...all, sortOrder: 9 }),
    range('an unknown target', { ...all, sortTarget: 9 }),
    range('no key', { rangeEnd: 'b' }),
  ],
};

export const deleteScenario: Scenario = {
  name: 'delete',
  steps: [
    ...letters(5),
    deleteRange('a missing key changes nothing', { key: 'zz' }),
    deleteRange('one key', { key: 'a' }),
    deleteRange('with what it held', { key: 'b', prevKv: true }),
    deleteRange('a range is one revision', { key: 'c', rangeEnd: toEnd, prevKv: true }),
    deleteRange('no key', {}),
    deleteRange('an end before the key', { key: 'd', rangeEnd: 'a' }),
    range('nothing is left', all),
    put('a key comes back with version 1', { key: 'a', value: 'again' }),
    range('the key that came back', { key: 'a' }),
  ],
};

const isVersion = (key: string, version: number): Compare =>
  Compare.create({
    key: utf8(key),
    target: CompareTarget.VERSION,
    targetUnion: { case: 'version', value: version },
  });
const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => op.put({ key: `${prefix}${i}`, value: '1' }));

export const txnScenario: Scenario = {
  name: 'txn',
  steps: [
    txn('nothing to do', {}),
    txn('a write', { success: [op.put({ key: 'a', value: '1' })] }),
    txn('the condition holds', {
      compare: [isVersion('a', 1)],
      success: [op.put({ key: 'a', value: '2', prevKv: true }), op.range({ key: 'a' })],
      failure: [op.range({ key: 'a' })],
    }),
    txn('the condition does not hold', {
      compare: [isVersion('a', 7)],
      success: [op.put({ key: 'a', value: '3' })],
      failure: [op.range({ key: 'a' }), op.range({ key: 'none' })],
    }),
    txn('a value compared', {
      compare: [
        Compare.create({
          key: utf8('a'),
          result: CompareResult.GREATER,
          target: CompareTarget.VALUE,
          targetUnion: { case: 'value', value: utf8('1') },
        }),
      ],
      success: [op.deleteRange({ key: 'a', prevKv: true }), op.put({ key: 'b', value: '1' })],
    }),
    txn('a missing key has no value', {
      compare: [
        Compare.create({
          key: utf8('none'),
          target: CompareTarget.VALUE,
          targetUnion: { case: 'value', value: utf8('') },
        }),
      ],
    }),
    txn('a range compared', {
      compare: [Compare.create({ ...isVersion('b', 1), rangeEnd: utf8('c') })],
      success: [op.range({ ...all, serializable: true })],
    }),
    txn('nested', {
      success: [
        op.put({ key: 'outer', value: '1' }),
        op.txn({
          compare: [isVersion('outer', 0)],
          success: [op.put({ key: 'inner', value: '2' }), op.range({ key: 'outer' })],
          failure: [op.deleteRange({ key: 'x' })],
        }),
        op.range(all),
      ],
    }),
    txn('delete what is not there', { success: [op.deleteRange({ key: 'x' })] }),
    txn('ranges only', {
      success: [op.range({ key: 'b' }), op.range({ ...all, countOnly: true })],
    }),
    txn('a serializable range at an older revision', {
      success: [op.range({ key: 'a', revision: 3, serializable: true })],
    }),
    txn('a future revision', { success: [op.range({ key: 'a', revision: 1000 })] }),
    txn('a future revision undoes the write', {
      success: [op.put({ key: 'b', value: 'no' }), op.range({ key: 'a', revision: 1000 })],
    }),
    txn('a negative revision', { success: [op.range({ key: 'a', revision: -1 })] }),
    txn('an empty operation', { success: [op.unset] }),
    txn('an operation without a key', { failure: [op.put({ value: '1' })] }),
    txn('a compare without a key', { compare: [Compare.create()] }),
    txn('the same key twice', {
      success: [op.put({ key: 'a', value: '1' }), op.put({ key: 'a', value: '2' })],
    }),
    txn('a put within a deleted range', {
      success: [op.deleteRange({ key: 'a', rangeEnd: 'c' }), op.put({ key: 'b', value: '1' })],
    }),
    txn('a put beside an open range', {
      success: [op.put({ key: 'b', value: '1' }), op.deleteRange({ key: 'a', rangeEnd: toEnd })],
    }),
    txn('128 operations', { success: many(128, 'k') }),
    txn('129 operations', { success: many(129, 'k') }),
    txn('129 nested, the budget is shared', { success: [op.txn({ success: many(128, 'n') })] }),
    txn('an unknown lease', { success: [op.put({ key: 'b', value: '1', lease: 5n })] }),
    txn('ignore the value of a missing key', {
      success: [op.put({ key: 'none', ignoreValue: true })],
    }),
    txn('an unknown sort order', { success: [op.range({ key: 'a', sortOrder: 7 })] }),
    range('what stands now', { key: 'a', rangeEnd: 'k' }),
  ],
};

export const compactScenario: Scenario = {
  name: 'compact',
  steps: [
    ...letters(4),
    put('a again', { key: 'a', value: 'new' }),
    deleteRange('delete b', { key: 'b' }),
    compact('a future revision', { revision: 1000 }),
    compact('at revision 4', { revision: 4, physical: true }),
    compact('again at the same revision', { revision: 4 }),
    compact('at an earlier one', { revision: 2 }),
    range('at the compacted revision', { ...all, revision: 4 }),
    range('before the compacted revision', { ...all, revision: 3 }),
    range('before it, counting', { ...all, revision: 3, countOnly: true }),
    txn('before it, in a transaction', { success: [op.range({ key: 'a', revision: 3 })] }),
    compact('at the newest revision', { revision: 7, physical: true }),
    range('everything', all),
    compact('revision 0', {}),
  ],
};

export const compactZeroScenario: Scenario = {
  name: 'compact-zero',
  steps: [
    compact('revision 0 of a fresh store', {}),
    compact('revision 0 again', {}),
    compact('a negative revision', { revision: -3 }),
    compact('revision 1', { revision: 1 }),
  ],
};

export const rangeStreamScenario: Scenario = {
  name: 'range-stream',
  steps: [
    rangeStream('of nothing', all),
    ...letters(26),
    rangeStream('everything', all),
    rangeStream('with a limit', { ...all, limit: 12 }),
    rangeStream('with a limit within the first chunk', { ...all, limit: 3 }),
    rangeStream('count only', { ...all, countOnly: true }),
    rangeStream('keys only', { ...all, keysOnly: true, limit: 2 }),
    rangeStream('an older revision', { ...all, revision: 4 }),
    rangeStream('one key', { key: 'c' }),
    rangeStream('serializable', { ...all, serializable: true, limit: 1 }),
    rangeStream('a future revision', { ...all, revision: 1000 }),
    rangeStream('no key', {}),
    rangeStream('descending', { ...all, sortOrder: SortOrder.DESCEND }),
    rangeStream('by value', { ...all, sortTarget: SortTarget.VALUE, sortOrder: SortOrder.ASCEND }),
    rangeStream('ascending by key is the default order', {
      ...all,
      limit: 1,
      sortOrder: SortOrder.ASCEND,
    }),
    rangeStream('revision filters', { ...all, minModRevision: 2 }),
    rangeStream('an unknown order', { ...all, sortOrder: 9 }),
    compact('compact', { revision: 10, physical: true }),
    rangeStream('a compacted revision', { ...all, revision: 4 }),
  ],
};
