import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Choice } from './choice.ts';
import { hasInside, isMessage } from './messages.ts';
import { deleteRequest, putRequest, rangeRequest } from './requests.ts';
import { someKey, someRangeEnd, someValue } from './values.ts';
import type { SeenPair, World } from './world.ts';

/** Random transactions: nested, with compares that often hold, some against the rules. */

const depthMax = 4;
const operationsMax = 128;

export function txnRequest(choice: Choice, world: World): WireObject {
  const txn = choice.weighted<WireObject>([
    [60, () => smallTxn(choice, world, depthMax)],
    [2, () => longTxn(choice)],
    [1, () => deepTxn(choice, world)],
    [8, () => readOnlyTxn(choice, world)],
  ]);
  return hasInside(txn, 'request_delete_range') ? withoutIgnoring(txn) : txn;
}

/**
 * etcd 3.7.3 dies (server/etcdserver/txn/put.go, index out of range) of a put that keeps the old value or lease
 * of a key which the same transaction has deleted, where its duplicate rule does not see the overlap: a
 * deletion up to `\\0`, or one in a nested transaction. So a transaction that deletes keeps nothing.
 */
function withoutIgnoring(value: WireObject): WireObject {
  const kept = Object.entries(value).filter(([field]) => !field.startsWith('ignore_'));
  const inner = kept.map(([field, v]): [string, WireValue] => {
    if (Array.isArray(v)) return [field, (v as readonly WireObject[]).map(withoutIgnoring)];
    return [field, isMessage(v) ? withoutIgnoring(v) : v];
  });
  return Object.fromEntries(inner);
}

function smallTxn(choice: Choice, world: World, depth: number): WireObject {
  const operations = (): readonly WireObject[] =>
    times(choice.between(0, 4), () => someOperation(choice, world, depth));
  return {
    compare: times(choice.between(0, 3), () => someCompare(choice, world)),
    success: operations(),
    failure: operations(),
  };
}

function someOperation(choice: Choice, world: World, depth: number): WireObject {
  return choice.weighted<WireObject>([
    [40, () => ({ request_put: putRequest(choice, world) })],
    [30, () => ({ request_range: rangeRequest(choice, world) })],
    [20, () => ({ request_delete_range: deleteRequest(choice) })],
    [depth > 0 ? 12 : 0, () => ({ request_txn: smallTxn(choice, world, depth - 1) })],
    [1, () => ({})],
  ]);
}

function readOnlyTxn(choice: Choice, world: World): WireObject {
  const operations = (): readonly WireObject[] =>
    times(choice.between(0, 3), () => ({ request_range: rangeRequest(choice, world) }));
  return {
    compare: times(choice.between(0, 2), () => someCompare(choice, world)),
    success: operations(),
    failure: operations(),
  };
}

/** About as many operations as are allowed, all in one branch or partly in a nested one. */
function longTxn(choice: Choice): WireObject {
  const put = (i: number): WireObject => ({
    request_put: { key: Buffer.from(`t${i}`), value: someValue(choice) },
  });
  const count = operationsMax + choice.between(-1, 1);
  const list = (length: number): readonly WireObject[] => Array.from({ length }, (_, i) => put(i));
  if (choice.percent(30)) {
    const compare = { target: 0, key: Buffer.from('t0'), version: '0' };
    return { compare: Array.from({ length: count }, () => compare) };
  }
  if (choice.percent(50))
    return choice.percent(50) ? { success: list(count) } : { failure: list(count) };
  const inner = choice.between(1, 40);
  const outer = list(operationsMax - 1).map((_, i) => put(1_000 + i));
  return {
    success: [...outer.slice(inner), { request_txn: { success: list(inner + choice.below(3)) } }],
  };
}

/** A chain of nested transactions with one operation at its end. */
function deepTxn(choice: Choice, world: World): WireObject {
  let txn: WireObject = { success: [{ request_put: putRequest(choice, world) }] };
  for (let i = choice.between(5, 40); i > 0; i--) txn = { success: [{ request_txn: txn }] };
  return txn;
}

function someCompare(choice: Choice, world: World): WireObject {
  const known = [...world.seen.keys()];
  const isKnown = known.length > 0 && choice.percent(60);
  const key = isKnown ? Buffer.from(choice.of(known), 'latin1') : someKey(choice);
  const target = choice.percent(2) ? choice.of([5, 77, -1]) : choice.between(0, 4);
  const pair = world.seen.get(key.toString('latin1'));
  return {
    result: choice.percent(2) ? choice.of([4, 99, -1]) : choice.between(0, 3),
    target,
    key,
    ...operandOf(choice, target, pair),
    range_end: choice.percent(20) ? someRangeEnd(choice, key) : undefined,
  };
}

/** The value to compare with: the right field for the target, mostly, and near what is there. */
function operandOf(choice: Choice, target: number, pair: SeenPair | undefined): WireObject {
  const field = choice.percent(4) ? choice.between(0, 4) : target;
  if (choice.percent(4)) return {};
  const near = (value: number): string => String(value + choice.of([0, 0, 0, 1, -1]));
  switch (field) {
    case 0:
      return { version: near(pair?.version ?? 0) };
    case 1:
      return { create_revision: near(pair?.createRevision ?? 0) };
    case 2:
      return { mod_revision: near(pair?.modRevision ?? 0) };
    case 3:
      return { value: choice.percent(60) ? (pair?.value ?? Buffer.alloc(0)) : someValue(choice) };
    case 4:
      return { lease: choice.of(['0', '0', '1', '-1', '7', '42', '9223372036854775807']) };
    default:
      return {};
  }
}

function times(count: number, make: () => WireObject): readonly WireObject[] {
  return Array.from({ length: count }, make);
}

/** One transaction that writes `count` neighbouring bulk keys. */
export function bulkLoad(keys: readonly Buffer[], value: WireValue): WireObject {
  return { success: keys.map((key) => ({ request_put: { key, value } })) };
}
