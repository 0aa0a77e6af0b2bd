import type { Anomaly, History, NemesisEvent, Operation } from '../types.ts';
import { isNote } from './findings.ts';

/** A stretch of a history that a person can look at. */
export interface Window {
  readonly startUs: number;
  readonly endUs: number;
  /** By index. */
  readonly operations: readonly Operation[];
  /** Indexes of those that it is about. */
  readonly named: ReadonlySet<number>;
  readonly events: readonly NemesisEvent[];
  /** How many more there were in that time. */
  readonly leftOut: number;
}

export interface WindowLimits {
  readonly operationsMax: number;
  /** What is shown before and after at least. */
  readonly marginUs: number;
}

export const windowLimits: WindowLimits = { operationsMax: 400, marginUs: 20_000 };

/** What an anomaly names, with what went on at that time; the nearest when that is too much. */
export function windowOf(
  history: History,
  anomaly: Pick<Anomaly, 'operations'>,
  limits = windowLimits,
): Window | undefined {
  const named = anomaly.operations
    .slice(0, limits.operationsMax)
    .flatMap((index) => history.operations[index] ?? []);
  if (named.length === 0) return undefined;
  // What watchers were told is written down in the end: its time says nothing.
  const asked = named.filter((each) => !isNote(each));
  const timed = asked.length > 0 ? asked : named;
  const first = Math.min(...timed.map(({ startUs }) => startUs));
  const last = Math.max(...timed.map(({ startUs, endUs }) => endUs ?? startUs));
  const marginUs = Math.max(limits.marginUs, (last - first) / 10);
  return cut(
    history,
    { startUs: Math.max(0, first - marginUs), endUs: last + marginUs },
    named,
    limits,
  );
}

/** What went on around one moment. */
export function windowAround(
  history: History,
  atUs: number,
  limits = windowLimits,
): Window | undefined {
  const near = nearest(history.operations, [atUs], limits.operationsMax);
  if (near.length === 0) return undefined;
  const startUs = Math.min(...near.map((operation) => operation.startUs));
  const endUs = Math.max(...near.map((operation) => operation.startUs)) + limits.marginUs;
  return cut(history, { startUs, endUs }, [], limits);
}

function cut(
  history: History,
  span: { readonly startUs: number; readonly endUs: number },
  named: readonly Operation[],
  limits: WindowLimits,
): Window {
  const { startUs, endUs } = span;
  const isWithin = (each: {
    readonly startUs: number;
    readonly endUs: number | undefined;
  }): boolean => each.startUs <= endUs && (each.endUs ?? each.startUs) >= startUs;
  const indexes = new Set(named.map(({ index }) => index));
  const others = history.operations.filter((each) => isWithin(each) && !indexes.has(each.index));
  const room = Math.max(0, limits.operationsMax - named.length);
  const moments = named
    .filter((each) => !isNote(each))
    .flatMap((each) => [each.startUs, each.endUs ?? each.startUs]);
  const kept = moments.length === 0 ? others.slice(0, room) : nearest(others, moments, room);
  return {
    startUs,
    endUs,
    operations: [...named, ...kept].sort((a, b) => a.index - b.index),
    named: indexes,
    events: history.events.filter(isWithin),
    leftOut: others.length - kept.length,
  };
}

/** Those that began nearest to one of the moments. */
function nearest(
  operations: readonly Operation[],
  momentsUs: readonly number[],
  count: number,
): readonly Operation[] {
  if (operations.length <= count) return operations;
  const moments = [...momentsUs].sort((a, b) => a - b);
  return operations
    .map((operation) => ({ operation, distance: distanceTo(moments, operation.startUs) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ operation }) => operation);
}

/** To the nearest of the sorted moments. */
function distanceTo(moments: readonly number[], atUs: number): number {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moments[middle] ?? 0) < atUs) low = middle + 1;
    else high = middle;
  }
  const after = moments[low] ?? Number.POSITIVE_INFINITY;
  const before = moments[low - 1] ?? Number.NEGATIVE_INFINITY;
  return Math.min(after - atUs, atUs - before);
}
