import { anyMember } from '../checkers/verdict.ts';
import { requestOf } from '../client/requests.ts';
import type { Judgement, JudgedVerdict } from '../judge.ts';
import type { Anomaly, History, Operation } from '../types.ts';

/** What was found, once each: what several checkers say of one answer is one finding. The first is told first. */

export interface Finding {
  readonly verdict: JudgedVerdict;
  readonly anomaly: Anomaly;
  /** Who else found it, and under which name. */
  readonly alsoBy: readonly string[];
}

/**
 * What these find is mostly the consequence of something that another one tells better: the search for an order says
 * that there is none, and the harness's own look at what came of it.
 */
const consequences = [
  'wgl',
  'acknowledged',
  'members stay up',
  'members agree',
  'service comes back',
];
/** Behind `wgl`, which tells of one key: two operations on different keys show nothing to the eye. */
const ofManyKeys = 0.5;
/** What is known to go wrong comes last. */
const ofExpected = consequences.length;
export const namedMax = 8;

export function findingsOf(history: History, { verdicts }: Judgement): readonly Finding[] {
  const found = verdicts.flatMap((verdict) =>
    verdict.anomalies.map((anomaly) => ({
      verdict,
      anomaly,
      rank: rankOf(history, verdict, anomaly),
      atUs: momentOf(history, anomaly),
    })),
  );
  found.sort((a, b) => a.rank - b.rank || (a.atUs === b.atUs ? 0 : a.atUs - b.atUs));
  const merged: { verdict: JudgedVerdict; anomaly: Anomaly; alsoBy: string[] }[] = [];
  for (const { verdict, anomaly } of found) {
    const same = merged.find((other) => isSame(history, other, { verdict, anomaly }));
    if (same === undefined) merged.push({ verdict, anomaly, alsoBy: [] });
    else same.alsoBy.push(`${verdict.checker}: ${anomaly.name}`);
  }
  return merged;
}

type Told = Pick<Finding, 'verdict' | 'anomaly'>;

/** One answer that is wrong to several checkers, or one set of operations that is wrong in several ways. */
function isSame(history: History, a: Told, b: Told): boolean {
  if (a.verdict.expected !== b.verdict.expected || b.anomaly.operations.length === 0) return false;
  if (a.verdict.checker === b.verdict.checker) {
    if (a.anomaly.name === b.anomaly.name) return false;
    return a.anomaly.operations.join() === b.anomaly.operations.join();
  }
  const [wrong, other] = [wrongOf(history, a.anomaly), wrongOf(history, b.anomaly)];
  return wrong !== undefined && wrong.index === other?.index;
}

/** What clients were told says more than that a member ended, and that more than that it did not serve. */
function rankOf(history: History, { checker, expected }: JudgedVerdict, anomaly: Anomaly): number {
  if (expected !== undefined) return ofExpected;
  const place = consequences.indexOf(checker);
  return place < 0 && !isOfOneKey(history, anomaly) ? ofManyKeys : place;
}

function momentOf(history: History, anomaly: Anomaly): number {
  const wrong = wrongOf(history, anomaly);
  if (wrong !== undefined && !isNote(wrong)) return wrong.startUs;
  const [author] = namedOf(history, anomaly);
  return author?.startUs ?? anomaly.atUs ?? Number.POSITIVE_INFINITY;
}

function isOfOneKey(history: History, anomaly: Anomaly): boolean {
  const [first = [], ...others] = namedOf(history, anomaly)
    .map(keysOf)
    .filter((keys) => keys.length > 0);
  return first.length === 0 || first.some((key) => others.every((keys) => keys.includes(key)));
}

export function namedOf(
  history: History,
  { operations }: Pick<Anomaly, 'operations'>,
): readonly Operation[] {
  return operations.slice(0, namedMax).flatMap((index) => history.operations[index] ?? []);
}

/** Heard without asking, and written down in the end: its time says nothing of when. */
export function isNote({ startUs, endUs }: Operation): boolean {
  return startUs === endUs;
}

/** The answer that cannot be: the last one that was asked for, else what a watcher was told. */
export function wrongOf(
  history: History,
  anomaly: Pick<Anomaly, 'operations'>,
): Operation | undefined {
  const named = namedOf(history, anomaly);
  const watched = named.find((each) => each.f === 'watch' && isNote(each));
  if (watched !== undefined) return watched;
  return named
    .filter((each) => !isNote(each))
    .reduce<Operation | undefined>(
      (last, each) => (last === undefined || each.startUs >= last.startUs ? each : last),
      undefined,
    );
}

export function keysOf(operation: Operation): readonly string[] {
  const request = requestOf(operation);
  if (request === undefined) return [];
  return [...request.success, ...(request.failure ?? [])].map(({ key }) => key);
}

export function membersOf(operations: readonly Operation[]): readonly string[] {
  const members = new Set(operations.map(({ member }) => member));
  members.delete(anyMember);
  return [...members].sort();
}

/** `n1, n2 and n3`. */
export function joined(parts: readonly string[]): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}
