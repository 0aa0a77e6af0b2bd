import {
  EventHistory,
  eventsOf,
  isWanted,
  type Version,
  type Watch,
  type Watcher,
  type WatchEvent,
  type WatchNotice,
  type WatchRequest,
} from '../../test/guarantees/history.ts';
import {
  checkAcknowledged,
  checkHistory,
  watchChecks,
  type Acknowledged,
} from '../../test/guarantees/watch-checks.ts';
import { answerOf, isRecord, requestOf } from '../client/requests.ts';
import type { Checker, History, Json, Operation, Verdict } from '../types.ts';
import { anyMember, countOutcomes, Findings, operationsOf, verdictOf } from './verdict.ts';

/** etcd's promises to watchers, over what all watchers of a run were told. */

export const watch: Checker = { name: 'watch', check };

/** The workload whose answers are too large for one piece: one in which none came in parts has shown nothing. */
export const fragmentsName = 'fragments';

/** What it means to someone who watches. */
const meanings: Readonly<Record<string, string>> = {
  Ordered: 'A watcher was told of changes in the wrong order',
  Unique: 'A watcher was told of the same change twice',
  Atomic: 'The changes of one revision came torn apart',
  Reliable: 'A watcher was never told of a change that it had asked for',
  Resumable:
    'A watcher that started at a revision did not begin with the first change from there on',
  Bookmarkable: 'A progress notice vouched for more, or less, than had been told',
  PrevKv: 'The previous value that came with a change is not what was there before',
  Filter: 'A watcher was told of a change that it had not asked for',
  IsCreate: 'A change came with another value, version or origin than it has',
  Compaction: 'A watch was cancelled by a compaction that did not concern it, or went on behind it',
  Start: 'A watch began with something earlier than it had asked for',
  Header: 'A response claims to be older than the changes in it',
};

interface TextWatcher {
  readonly watcher: Watcher;
  readonly operations: readonly number[];
}

function check(history: History): Verdict {
  const findings = new Findings();
  const watchers = watchersOf(history);
  const events = EventHistory.seenBy(watchers.map(({ watcher }) => watcher));
  for (const violation of checkHistory(events)) {
    const what = `The story that all watchers tell together does not hold together: ${violation}.`;
    findings.add('History', what, []);
  }
  const authors = authorsOf(history);
  const told = watchesToldOf(watchers);
  for (const { watcher, operations } of watchers) {
    for (const [promise, checkPromise] of Object.entries(watchChecks)) {
      for (const violation of checkPromise(watcher, events)) {
        const revision = revisionIn(violation);
        const about = tellAround(watcher, operations, { revision, history, events, told });
        const what = `${meanings[promise] ?? promise}. ${inWords(violation)}.${about.text}`;
        findings.add(promise, what, [authors.get(revision ?? 0), ...about.operations]);
      }
    }
  }
  reportAcknowledged(history, events, findings);
  reportNotes(history, findings);
  const notices = watchers.flatMap(({ watcher }) =>
    watcher.watches.flatMap((each) => each.notices),
  );
  const toldCount = notices.reduce(
    (sum, notice) => sum + (notice.type === 'events' ? notice.events.length : 0),
    0,
  );
  const parts = notices.filter((notice) => notice.type === 'events' && notice.isFragment).length;
  return verdictOf('watch', findings, {
    judged: Math.min(toldCount, events.lastRevision),
    isComplete: history.workload !== fragmentsName || parts > 0,
    counts: {
      ...countOutcomes(operationsOf(history, 'write')),
      watchers: watchers.length,
      watches: operationsOf(history, 'watch').length,
      'events told': toldCount,
      'parts of answers that go on in the next': parts,
      'progress notices': notices.filter(({ type }) => type === 'progress').length,
      'cancelled by compaction': notices.filter(({ type }) => type === 'canceled').length,
      revisions: events.lastRevision,
      'told only after a second, longer wait': operationsOf(history, 'late watchers').length,
    },
  });
}

/** The operation that made a revision, where that is known. */
function authorsOf(history: History): ReadonlyMap<number, number> {
  return new Map(
    operationsOf(history, 'write').flatMap((operation) => {
      const answer = answerOf(operation);
      return answer === undefined ? [] : [[answer.revision, operation.index] as const];
    }),
  );
}

/** Of the change that a violation is about: `put w/16 1-11@70..70#1`, `delete w/19 @47`. */
function revisionIn(violation: string): number | undefined {
  const found = /@\d+\.\.(\d+)#/.exec(violation) ?? / @(\d+)/.exec(violation);
  return found === null ? undefined : Number(found[1]);
}

/** `put w/16 1-11@70..70#1`, as the checks shared with other tests write it, in words. */
function inWords(violation: string): string {
  return violation.replace(
    /put (\S+) (.*?)@(\d+)\.\.(\d+)#(\d+)/g,
    (_all, key: string, value: string, _create: string, revision: string, version: string) =>
      `put ${key} = ${value} (revision ${revision}, version ${version} of that key)`,
  );
}

/** By revision, how many watches were told of any of it. */
function watchesToldOf(watchers: readonly TextWatcher[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const each of watchers.flatMap(({ watcher }) => watcher.watches)) {
    const revisions = new Set(eventsOf(each).map(({ kv }) => kv.modRevision));
    for (const revision of revisions) counts.set(revision, (counts.get(revision) ?? 0) + 1);
  }
  return counts;
}

interface Around {
  readonly revision: number | undefined;
  readonly history: History;
  readonly events: EventHistory;
  readonly told: ReadonlyMap<number, number>;
}

/** The watch that should have told of that revision, what it asked for, and what it told before, of it, and after. */
function tellAround(
  { name, watches }: Watcher,
  operations: readonly number[],
  { revision, history, events, told: toldByAll }: Around,
): { readonly text: string; readonly operations: readonly number[] } {
  if (revision === undefined) return { text: '', operations };
  const at = watches.findLastIndex(({ request }) => request.startRevision <= revision);
  const [watch, index] = [watches[at], operations[at]];
  if (watch === undefined || index === undefined) return { text: '', operations };
  const { startRevision } = watch.request;
  const from = startRevision === 0 ? 'from then on' : `from revision ${startRevision} on`;
  const { startUs: notedUs = 0 } = history.operations[index] ?? {};
  const told = watch.notices.flatMap((notice) => toldOf(notice, notedUs));
  const before = told.findLast((each) => each.revision < revision);
  const after = told.find((each) => each.revision > revision);
  const own = eventsOf(watch).filter(({ kv }) => kv.modRevision === revision).length;
  const due = (events.at(revision) ?? []).filter((each) => isWanted(watch.request, each)).length;
  const { member = anyMember } = history.operations[index] ?? {};
  const where = member === anyMember ? ' (at which member was not written down)' : ` at ${member}`;
  const others = (toldByAll.get(revision) ?? 0) - (own > 0 ? 1 : 0);
  const part = own > 0 ? ` Of revision ${revision} it was told ${own} of ${due} events.` : '';
  const text =
    ` That is ${name}, who watched ${describeRange(watch.request)} ${from}${where}.${part} Before revision ${revision} it was ` +
    `told of ${before?.what ?? 'nothing'}, and next of ${after?.what ?? 'nothing more'}; ` +
    `${others} other watches were told of revision ${revision}.`;
  return { text, operations: [index] };
}

/** In words: the least key and no end mean all there is. */
export function describeRange({
  key,
  rangeEnd,
}: {
  readonly key: string;
  readonly rangeEnd?: string | undefined;
}): string {
  if (rangeEnd === undefined) return key;
  if (rangeEnd !== '') return `${key} to ${rangeEnd}`;
  return key <= '\0' ? 'everything' : `${key} and all behind it`;
}

/** A notice as the workload writes it down in the end: how long before that it had come. */
type Heard = WatchNotice & { readonly agoMs?: number };

function toldOf(
  notice: Heard,
  notedUs: number,
): readonly { readonly revision: number; readonly what: string }[] {
  const { agoMs } = notice;
  const at = agoMs === undefined ? '' : ` at ${(notedUs / 1e6 - agoMs / 1e3).toFixed(3)} s`;
  if (notice.type === 'progress') {
    const { revision } = notice;
    return [{ revision, what: `progress${at}, which vouches for all up to revision ${revision}` }];
  }
  if (notice.type !== 'events') return [];
  return notice.events.map(({ type, key, kv }) => ({
    revision: kv.modRevision,
    what: `revision ${kv.modRevision}${at} (${type} ${key}${type === 'put' ? ` = ${kv.value}` : ''})`,
  }));
}

function reportAcknowledged(history: History, events: EventHistory, findings: Findings): void {
  for (const operation of operationsOf(history, 'write')) {
    for (const write of acknowledgedBy(operation)) {
      for (const violation of checkAcknowledged(events, [write])) {
        const what = `A write that was acknowledged is not among the changes that watchers were told of. ${violation}.`;
        findings.add('Acknowledged', what, [operation.index]);
      }
    }
  }
}

function acknowledgedBy(operation: Operation): readonly Acknowledged[] {
  const [request, answer] = [requestOf(operation), answerOf(operation)];
  if (request === undefined || answer === undefined) return [];
  const { revision, results } = answer;
  return request.success.flatMap((action, i): readonly Acknowledged[] => {
    if (action.op === 'put') return [{ key: action.key, value: action.value, revision }];
    if (action.op !== 'delete' || (results[i]?.deleted ?? 0) === 0) return [];
    return [{ key: action.key, value: undefined, revision }];
  });
}

function reportNotes(history: History, findings: Findings): void {
  for (const { index, input, output } of operationsOf(history, 'late watchers')) {
    const revision = isRecord(input) ? String(input['revision']) : '?';
    const names = isRecord(output) ? output['late'] : undefined;
    // They were told, but late: it is counted, and no more.
    if (Array.isArray(names) && names.length === 0) continue;
    const late = JSON.stringify(names);
    const what = `After all had healed, watchers were not told of everything up to revision ${revision} in time: ${late}.`;
    findings.add('Starved', what, [index]);
  }
  for (const { index, output } of operationsOf(history, 'strange answers')) {
    const what = `A stream spoke of watches that nobody had opened on it: ${JSON.stringify(output)}.`;
    findings.add('Stranger', what, [index]);
  }
}

function watchersOf(history: History): readonly TextWatcher[] {
  // What the nemesis compacted, the watchers were not told of: it holds for the whole run.
  const compactedMax = Math.max(
    0,
    ...history.events.map(({ compactRevision = 0 }) => compactRevision),
  );
  const byName = new Map<string, { watches: Watch[]; operations: number[] }>();
  for (const { index, input, output } of operationsOf(history, 'watch')) {
    if (!isRecord(input) || !isRecord(output)) continue;
    const name = String(input['watcher']);
    const entry = byName.get(name) ?? { watches: [], operations: [] };
    byName.set(name, entry);
    entry.watches.push(watchOf(input['request'] ?? null, output, compactedMax));
    entry.operations.push(index);
  }
  return [...byName].map(([name, { watches, operations }]) => {
    return { watcher: { name, watches }, operations };
  });
}

function watchOf(
  requestJson: Json,
  output: { readonly [name: string]: Json },
  compactedByNemesis: number,
): Watch {
  const request = { rangeEnd: undefined, ...(requestJson as object) } as unknown as WatchRequest;
  const settled = output['settledRevision'] ?? null;
  const all = (output['notices'] ?? []) as unknown as readonly WatchNotice[];
  // Progress of a whole stream also reaches a watch that waits for the future, and says nothing of it.
  const concerning = all.filter(
    (notice) => notice.type !== 'progress' || notice.revision >= request.startRevision,
  );
  const notices = concerning.map((notice): WatchNotice => {
    if (notice.type !== 'events') return notice;
    // Behind a compaction that was asked for by then, a previous value may be gone.
    const compactedMax = Math.max(notice.compactedMax, compactedByNemesis);
    return { ...notice, compactedMax, events: notice.events.map(eventOf) };
  });
  return { request, notices, settledRevision: settled === null ? undefined : Number(settled) };
}

/** JSON has the lease as text. */
function eventOf(event: WatchEvent): WatchEvent {
  const { kv, prev } = event;
  return { ...event, kv: versionOf(kv), prev: prev === undefined ? undefined : versionOf(prev) };
}

function versionOf(version: Version): Version {
  return { ...version, lease: BigInt(version.lease) };
}
