import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Operation } from './operation.ts';

/**
 * etcd sorts a Range with an unstable sort, so key-value pairs that are equal in the sort's target come in any
 * order: they are compared as a set. Where the limit cuts through such a tie, which of them are sent is open
 * as well, and only their number is compared.
 */

/** The answer with ties in one order, for every sorted Range in it, those inside a transaction included. */
export function withTiesSettled(operation: Operation, answer: WireObject): WireObject {
  if (operation.kind !== 'call' && operation.kind !== 'bytes') return answer;
  const { request } = operation;
  if (operation.method === 'KV.Range') return settleRange(request, answer);
  if (operation.method === 'KV.Txn') return settleTxn(request, answer);
  const streamed = answer['range_response'] as WireObject | undefined;
  if (operation.method !== 'KV.RangeStream' || streamed === undefined) return answer;
  return { ...answer, range_response: settleRange(request, streamed) };
}

function settleTxn(request: WireObject, answer: WireObject): WireObject {
  const branch = answer['succeeded'] === true ? 'success' : 'failure';
  const operations = listOf(request[branch]);
  const responses = listOf(answer['responses']);
  if (responses.length === 0) return answer;
  return {
    ...answer,
    responses: responses.map((response, i) => settleOne(operations[i] ?? {}, response)),
  };
}

function settleOne(operation: WireObject, response: WireObject): WireObject {
  const range = operation['request_range'] as WireObject | undefined;
  const rangeAnswer = response['response_range'] as WireObject | undefined;
  if (range !== undefined && rangeAnswer !== undefined) {
    return { ...response, response_range: settleRange(range, rangeAnswer) };
  }
  const txn = operation['request_txn'] as WireObject | undefined;
  const txnAnswer = response['response_txn'] as WireObject | undefined;
  if (txn !== undefined && txnAnswer !== undefined) {
    return { ...response, response_txn: settleTxn(txn, txnAnswer) };
  }
  return response;
}

const targetFields = ['key', 'version', 'create_revision', 'mod_revision', 'value'] as const;
const targetKey = 0;
const targetValue = 4;

function settleRange(request: WireObject, answer: WireObject): WireObject {
  const target = Number(request['sort_target'] ?? targetKey);
  const field = targetFields[target];
  const kvs = listOf(answer['kvs']);
  if (field === undefined || target === targetKey || kvs.length === 0) return answer;
  // With keys_only the values that were sorted by are not in the answer: all of it counts as one tie.
  const isHidden = target === targetValue && request['keys_only'] === true;
  const ties = tiesOf(kvs, (kv) => (isHidden ? '' : textOf(kv[field])));
  const isCut = answer['more'] === true;
  const settled = ties.map((tie, i): WireObject => {
    if (isCut && i === ties.length - 1) return { tie: tie.value, size: tie.members.length };
    return { tie: tie.value, members: [...tie.members].sort(byKey) };
  });
  return { ...answer, kvs: settled };
}

interface Tie {
  readonly value: string;
  readonly members: WireObject[];
}

function tiesOf(kvs: readonly WireObject[], valueOf: (kv: WireObject) => string): readonly Tie[] {
  const ties: Tie[] = [];
  for (const kv of kvs) {
    const value = valueOf(kv);
    const last = ties.at(-1);
    if (last?.value === value) last.members.push(kv);
    else ties.push({ value, members: [kv] });
  }
  return ties;
}

function byKey(a: WireObject, b: WireObject): number {
  return textOf(a['key']) < textOf(b['key']) ? -1 : 1;
}

/** A byte string or number as text that is equal exactly where they are. */
function textOf(value: WireValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
}

function listOf(value: WireValue): readonly WireObject[] {
  return Array.isArray(value) ? (value as readonly WireObject[]) : [];
}
