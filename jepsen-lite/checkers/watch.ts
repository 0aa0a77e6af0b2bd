import {
  EventHistory,
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
import { countOutcomes, Findings, operationsOf, verdictOf } from './verdict.ts';

/** etcd's promises to watchers, over what all watchers of a run were told. */

export const watch: Checker = { name: 'watch', check };

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
  for (const { watcher, operations } of watchers) {
    for (const [promise, checkPromise] of Object.entries(watchChecks)) {
      for (const violation of checkPromise(watcher, events)) {
        findings.add(promise, `${meanings[promise] ?? promise}. ${violation}.`, operations);
      }
    }
  }
  reportAcknowledged(history, events, findings);
  reportNotes(history, findings);
  const notices = watchers.flatMap(({ watcher }) =>
    watcher.watches.flatMap((each) => each.notices),
  );
  const told = notices.reduce(
    (sum, notice) => sum + (notice.type === 'events' ? notice.events.length : 0),
    0,
  );
  return verdictOf('watch', findings, {
    judged: Math.min(told, events.lastRevision),
    counts: {
      ...countOutcomes(operationsOf(history, 'write')),
      watchers: watchers.length,
      watches: operationsOf(history, 'watch').length,
      'events told': told,
      'progress notices': notices.filter(({ type }) => type === 'progress').length,
      'cancelled by compaction': notices.filter(({ type }) => type === 'canceled').length,
      revisions: events.lastRevision,
      'told only after a second, longer wait': operationsOf(history, 'late watchers').length,
    },
  });
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
