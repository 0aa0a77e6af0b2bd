import { answerOf, requestOf } from '../client/requests.ts';
import type { Operation } from '../types.ts';
import { endOf, formatSeconds, type Findings } from './verdict.ts';

/** The order by revision held against real time: what was over before another began comes first. */

/** An operation with the revision at which it happened, or of which it is a read. */
export interface Point {
  readonly operation: Operation;
  readonly revision: number;
  readonly isWrite: boolean;
}

/** One pass: by start, against the highest revision of all that had ended by then. */
export function checkRealTime(points: readonly Point[], findings: Findings): void {
  const byStart = [...points].sort((a, b) => a.operation.startUs - b.operation.startUs);
  const byEnd = [...points].sort((a, b) => endOf(a.operation) - endOf(b.operation));
  let ended = 0;
  let newest: Point | undefined;
  for (const point of byStart) {
    for (let next = byEnd[ended]; next !== undefined; next = byEnd[++ended]) {
      if (endOf(next.operation) >= point.operation.startUs) break;
      if (newest === undefined || next.revision > newest.revision) newest = next;
    }
    if (newest !== undefined) compare(point, newest, findings);
  }
}

function compare(later: Point, earlier: Point, findings: Findings): void {
  const isInOrder = later.isWrite
    ? later.revision > earlier.revision
    : later.revision >= earlier.revision;
  if (isInOrder) return;
  const name = later.isWrite ? 'write into the past' : 'stale read';
  findings.add(name, tellBackwards(later, earlier), [
    earlier.operation.index,
    later.operation.index,
  ]);
}

/** What an answer says, and what had been confirmed before it was asked for. */
export function tellBackwards(
  later: Omit<Point, 'isWrite'>,
  earlier: Omit<Point, 'isWrite'>,
): string {
  const { endUs, startUs, member, process: client, index } = later.operation;
  const before = earlier.operation;
  const apartUs = startUs - (before.endUs ?? before.startUs);
  return (
    `At ${formatSeconds(endUs ?? startUs)} ${member} answered client ${client}: ${describeAnswer(later.operation)}, ` +
    `at revision ${later.revision} (#${index}). But ${(apartUs / 1_000).toFixed(1)} ms before it was asked, ` +
    `${before.member} had confirmed: ${describeAnswer(before)}, at revision ${earlier.revision} (#${before.index}).`
  );
}

/** `r3 = 14-87`, of a read what was there, of a write what is there since; several are cut off. */
function describeAnswer(operation: Operation): string {
  const [request, answer] = [requestOf(operation), answerOf(operation)];
  if (request === undefined || answer === undefined) return operation.f;
  const actions = answer.succeeded ? request.success : (request.failure ?? []);
  const parts = actions.slice(0, partsMax).map((action, i) => {
    if (action.op === 'put') return `${action.key} = ${action.value}`;
    const where = action.end === undefined ? action.key : `${action.key}..${action.end}`;
    if (action.op === 'delete') return `${where} is deleted`;
    const kvs = answer.results[i]?.kvs ?? [];
    const told = kvs.slice(0, partsMax).map(({ key, value }) => `${key} = ${value}`);
    return kvs.length === 0 ? `nothing at ${where}` : cutOff(told, kvs.length).join(', ');
  });
  return cutOff(parts, actions.length).join(', ') || operation.f;
}

const partsMax = 3;

function cutOff(parts: readonly string[], count: number): readonly string[] {
  return count > parts.length ? [...parts, `and ${count - parts.length} more`] : parts;
}
