import { compareBytes, emptyBytes } from '../base/bytes.ts';
import type { KeyVersion, RevisionStore } from '../mvcc/types.ts';
import { CompareResult, CompareTarget, type Compare } from '../wire/kv.ts';
import { KeyValue } from '../wire/mvccpb.ts';
import { isSingleKey, keyRangeOf, rangeAbove } from '../mvcc/key-range.ts';
import { runSteps, type Steps } from './steps.ts';

/** The conditions of a transaction (etcd server/etcdserver/txn/txn.go, `applyCompare`). */

/** Whether the condition holds for every key of its range as the store stands. */
export function holds(store: RevisionStore, compare: Compare): boolean {
  if (isSingleKey(compare.rangeEnd)) {
    const version = store.get(compare.key);
    return version === undefined ? holdsForNone(compare) : holdsFor(store, compare, version);
  }
  return runSteps(holdsInSteps(store, compare)).value;
}

/** The same in steps, as of `revision`; without one as the store stands at each. */
export function* holdsInSteps(
  store: RevisionStore,
  compare: Compare,
  revision?: number,
): Steps<boolean> {
  let range = keyRangeOf(compare.key, compare.rangeEnd);
  for (let isEmpty = true; ; isEmpty = false) {
    const rowsMax = yield undefined;
    const versions = store.scan(range, rowsMax, revision);
    const last = versions.at(-1);
    if (last === undefined) return isEmpty ? holdsForNone(compare) : true;
    if (!versions.every((version) => holdsFor(store, compare, version))) return false;
    range = rangeAbove(range, last.key);
  }
}

/** No key: compared as one whose numbers are all 0, but no condition on its value holds. */
function holdsForNone(compare: Compare): boolean {
  const { target, targetUnion } = compare;
  switch (target) {
    case CompareTarget.VALUE:
      return false;
    case CompareTarget.LEASE:
      return accepts(compare, order(0n, targetUnion?.case === 'lease' ? targetUnion.value : 0n));
    default:
      return accepts(compare, order(0, numberOf(compare)));
  }
}

function holdsFor(store: RevisionStore, compare: Compare, version: KeyVersion): boolean {
  const { target, targetUnion } = compare;
  switch (target) {
    case CompareTarget.VERSION:
      return accepts(compare, order(version.version, numberOf(compare)));
    case CompareTarget.CREATE:
      return accepts(compare, order(version.createRevision, numberOf(compare)));
    case CompareTarget.MOD:
      return accepts(compare, order(version.modRevision, numberOf(compare)));
    case CompareTarget.VALUE: {
      const wanted = targetUnion?.case === 'value' ? targetUnion.value : emptyBytes;
      return accepts(compare, compareBytes(KeyValue.decode(store.read(version)).value, wanted));
    }
    case CompareTarget.LEASE: {
      const wanted = targetUnion?.case === 'lease' ? targetUnion.value : 0n;
      return accepts(compare, order(KeyValue.decode(store.read(version)).lease, wanted));
    }
    default:
      // A target that etcd does not know compares as equal.
      return accepts(compare, 0);
  }
}

/** The number to compare with; 0 where the client set none, or one for another target. */
function numberOf({ target, targetUnion }: Compare): number {
  switch (targetUnion?.case) {
    case 'version':
      return target === CompareTarget.VERSION ? targetUnion.value : 0;
    case 'createRevision':
      return target === CompareTarget.CREATE ? targetUnion.value : 0;
    case 'modRevision':
      return target === CompareTarget.MOD ? targetUnion.value : 0;
    default:
      return 0;
  }
}

function order<T extends number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function accepts({ result }: Compare, ordered: number): boolean {
  switch (result) {
    case CompareResult.EQUAL:
      return ordered === 0;
    case CompareResult.NOT_EQUAL:
      return ordered !== 0;
    case CompareResult.GREATER:
      return ordered > 0;
    case CompareResult.LESS:
      return ordered < 0;
    default:
      // A result that etcd does not know always holds.
      return true;
  }
}
