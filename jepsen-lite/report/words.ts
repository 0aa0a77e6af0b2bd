import {
  answerOf,
  describeRequest,
  isRecord,
  requestOf,
  type Kv,
  type Result,
} from '../client/requests.ts';
import { describeRange } from '../checkers/watch.ts';
import type { Json, Operation } from '../types.ts';

/** Operations and times in words for people. */

export function formatTime(us: number): string {
  return `${(us / 1e6).toFixed(3)} s`;
}

export function formatSpan(us: number): string {
  return us < 10_000 ? `${(us / 1_000).toFixed(2)} ms` : `${Math.round(us / 1_000)} ms`;
}

const jsonCharsMax = 400;

export function formatJson(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= jsonCharsMax
    ? text
    : `${text.slice(0, jsonCharsMax)}… (${text.length} characters)`;
}

/** What came of it, with what that means. */
export function describeOutcome(operation: Operation): string {
  const { outcome, output, error, startUs, endUs } = operation;
  const after = endUs === undefined ? 'never ended' : `after ${formatSpan(endUs - startUs)}`;
  switch (outcome) {
    case 'ok':
      return endUs === startUs
        ? `was told ${formatJson(output)}`
        : `ok ${after}: ${formatJson(output)}`;
    case 'fail':
      return `failed ${after}, so it did not happen: ${error ?? 'no reason told'}`;
    case 'info':
      return `nobody knows whether it happened (${after}): ${error ?? 'no answer'}`;
  }
}

export function describeOperation(operation: Operation): string {
  const { index, process: client, member, f, input, startUs } = operation;
  const asked = `#${index}, client ${client} at ${member}, ${formatTime(startUs)}: ${f} ${formatJson(input)}`;
  return `${asked} — ${describeOutcome(operation)}`;
}

/** The same without the form in which it is stored: `get r0 — ok after 4 ms: r0 = 3-7, at revision 9`. */
export function tellOperation(operation: Operation): string {
  const { index, process: client, member, f, startUs } = operation;
  const watched = describeWatch(operation);
  if (watched !== undefined) return `#${index}, client ${client} at ${member}: ${watched}`;
  const request = requestOf(operation);
  const answer = answerOf(operation);
  if (request === undefined || (operation.outcome === 'ok' && answer === undefined)) {
    return describeOperation(operation);
  }
  const kind = request.serializable === true ? ' (of what the member knows, be it old)' : '';
  const asked = `#${index}, client ${client} at ${member}, ${formatTime(startUs)}: ${f}: ${shorten(describeRequest(request))}${kind}`;
  if (answer === undefined) return `${asked} — ${describeOutcome(operation)}`;
  const { endUs = startUs } = operation;
  const branch = request.compare === undefined || answer.succeeded ? '' : ' it was not so;';
  const told = answer.results.map(describeResult).filter((text) => text !== '');
  const what = told.length === 0 ? ' done' : ` ${shorten(told.join('; '))}`;
  return `${asked} — ok after ${formatSpan(endUs - startUs)}:${branch}${what}, at revision ${answer.revision}`;
}

/** For a bar: `get r3`, `put r3 12-58`, `cas r3 14-87->12-58`. */
export function labelOf(operation: Operation): string {
  const request = requestOf(operation);
  if (request === undefined) return operation.f;
  const [condition] = request.compare ?? [];
  const [action] = request.success;
  if (condition !== undefined && action?.op === 'put' && condition.key === action.key) {
    return `cas ${action.key} ${condition.to}->${action.value}`;
  }
  const actions = request.success.map((each) => {
    const end =
      each.op === 'put' ? ` ${each.value}` : each.end === undefined ? '' : `..${each.end}`;
    return `${each.op} ${each.key}${end}`;
  });
  return `${condition === undefined ? '' : 'if '}${actions.join(', ')}`;
}

const toldCharsMax = 240;

function shorten(text: string): string {
  return text.length <= toldCharsMax ? text : `${text.slice(0, toldCharsMax)}…`;
}

function describeResult({ kvs, more, deleted, count, prevKvs }: Result): string {
  const parts = [
    ...(kvs === undefined
      ? []
      : [kvs.length === 0 ? 'nothing there' : kvs.map(describeKv).join(', ')]),
    ...(more === true ? ['and more'] : []),
    ...(count === undefined ? [] : [`${count} in all`]),
    ...(deleted === undefined ? [] : [`${deleted} deleted`]),
    ...(prevKvs === undefined || prevKvs.length === 0
      ? []
      : [`before: ${prevKvs.map(describeKv).join(', ')}`]),
  ];
  return parts.join(', ');
}

function describeKv({ key, value, mod }: Kv): string {
  return `${key} = ${value} (written at revision ${mod})`;
}

/** A watch with all that it was told, which is written down in the end; undefined: it is none. */
function describeWatch({ input, output }: Operation): string | undefined {
  const request = isRecord(input) ? input['request'] : undefined;
  const notices = isRecord(output) ? output['notices'] : undefined;
  if (!isRecord(request) || !Array.isArray(notices)) return undefined;
  const { key, rangeEnd, startRevision } = request;
  const told = notices.filter((notice) => isRecord(notice) && notice['type'] === 'events').length;
  const isTimed = notices.some((notice) => isRecord(notice) && notice['agoMs'] !== undefined);
  const range = describeRange({
    key: String(key),
    rangeEnd: rangeEnd === undefined ? undefined : String(rangeEnd),
  });
  const from = startRevision === 0 ? 'from then on' : `from revision ${String(startRevision)} on`;
  return (
    `watch of ${range}, ${from} — was answered ${notices.length} times, ${told} times with ` +
    `changes (all of it is in history.ndjson${isTimed ? '' : '; when each came was not written down'})`
  );
}
