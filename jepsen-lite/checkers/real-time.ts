import type { Operation } from '../types.ts';
import { describeOperation, endOf, type Findings } from './verdict.ts';

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
  const [name, verb] = later.isWrite
    ? ['write into the past', 'wrote at']
    : ['stale read', 'was told of the store as it was at'];
  findings.add(
    name,
    `${describeOperation(later.operation)} ${verb} revision ${later.revision}, although ` +
      `${describeOperation(earlier.operation)}, which was over before it began, had been answered at ` +
      `revision ${earlier.revision}.`,
    [earlier.operation.index, later.operation.index],
  );
}
