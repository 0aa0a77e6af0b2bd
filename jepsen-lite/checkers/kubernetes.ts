import { isRecord } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { eventsOf, type Events } from './events.ts';
import { KeySpace } from './key-space.ts';
import { Findings, operationsOf, verdictOf } from './verdict.ts';

/** Caches that are fed by a list and a watch: at a bookmark each is what the store was at that revision. */

export const kubernetes: Checker = { name: 'watch cache', check };

interface Snapshot {
  readonly operation: Operation;
  readonly revision: number;
  readonly key: string;
  readonly end: string;
  readonly items: ReadonlyMap<string, number>;
}

function check(history: History): Verdict {
  const findings = new Findings();
  const events = eventsOf(history, findings);
  const snapshots = operationsOf(history, 'cache').map(snapshotOf);
  snapshots.sort((a, b) => a.revision - b.revision);
  const compared = events === undefined ? 0 : compareAll(snapshots, events, findings);
  checkOrder(operationsOf(history, 'cache').map(snapshotOf), findings);
  return verdictOf('watch cache', findings, {
    judged: compared,
    isComplete: events !== undefined && events.gaps.size === 0,
    counts: { bookmarks: snapshots.length, compared, revisions: events?.lastRevision ?? 0 },
  });
}

function snapshotOf(operation: Operation): Snapshot {
  const input = isRecord(operation.input) ? operation.input : {};
  const output = isRecord(operation.output) ? operation.output : {};
  return {
    operation,
    revision: Number(output['revision']),
    key: String(input['key']),
    end: String(input['end']),
    items: new Map((output['items'] ?? []) as unknown as readonly (readonly [string, number])[]),
  };
}

function compareAll(snapshots: readonly Snapshot[], events: Events, findings: Findings): number {
  const space = new KeySpace();
  let compared = 0;
  for (const snapshot of snapshots) {
    if (snapshot.revision > events.lastRevision) break;
    for (let next = space.revision + 1; next <= snapshot.revision; next++) {
      if (events.gaps.has(next)) space.skip(next);
      else space.apply(next, events.byRevision.get(next) ?? []);
    }
    if (space.gapRevision > 0) break;
    compare(snapshot, space, { events, findings });
    compared++;
  }
  return compared;
}

function compare(
  { operation, revision, key, end, items }: Snapshot,
  space: KeySpace,
  { events, findings }: { readonly events: Events; readonly findings: Findings },
): void {
  const about = `The cache at ${operation.member}, which a bookmark vouched for up to revision ${revision},`;
  const due = space.range(key, end);
  for (const kv of due) {
    const have = items.get(kv.key);
    if (have === kv.mod) continue;
    const how = have === undefined ? 'does not hold' : `holds revision ${have} of`;
    const what = `${about} ${how} ${kv.key}, which was written at revision ${kv.mod}: a change did not reach it.`;
    findings.add('cache misses a change', what, [operation.index, events.toldBy.get(kv.mod)]);
  }
  const names = new Set(due.map((kv) => kv.key));
  for (const [name, mod] of items) {
    if (names.has(name)) continue;
    const what = `${about} still holds ${name} (revision ${mod}), which was not in the store any more.`;
    findings.add('cache misses a delete', what, [operation.index]);
  }
}

/** Bookmarks of one cache do not go back. */
function checkOrder(snapshots: readonly Snapshot[], findings: Findings): void {
  const last = new Map<number, Snapshot>();
  for (const snapshot of snapshots) {
    const { process, member, index } = snapshot.operation;
    const before = last.get(process);
    if (before !== undefined && snapshot.revision < before.revision) {
      const what = `A bookmark of the cache at ${member} speaks of revision ${snapshot.revision}, after one of ${before.revision}.`;
      findings.add('bookmark went back', what, [before.operation.index, index]);
    }
    last.set(process, snapshot);
  }
}
