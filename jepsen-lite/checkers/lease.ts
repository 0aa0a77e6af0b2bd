import { EventHistory, type WatchEvent } from '../../test/guarantees/history.ts';
import {
  checkLeaseIds,
  checkNotAgain,
  checkNotEarly,
  checkTogether,
  type LeaseGone,
  type LeaseHistory,
  type LeaseRevoke,
  type LeaseTerm,
} from '../../test/guarantees/lease-checks.ts';
import { answerOf, isRecord, requestOf } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { eventsOf, type ArchivedEvent, type Events } from './events.ts';
import {
  countOutcomes,
  describeOperation,
  endOf,
  Findings,
  operationsOf,
  verdictOf,
} from './verdict.ts';

/**
 * Leases, I33-I36: none ends before its time, none comes back, ids are given once, and the end takes all keys of
 * the lease and no other, in one revision.
 */

export const lease: Checker = { name: 'lease', check };

const prefix = 'lease/';
/** Clocks of members and of the test differ by so much at most over the life of a lease. */
const toleranceMs = 50;

const names: Readonly<Record<string, string>> = {
  NotEarly: 'early expiry',
  NotAgain: 'lease came back',
  LeaseIds: 'lease id reused',
};
const meanings: Readonly<Record<string, string>> = {
  NotEarly:
    'A lease ended before the time that was promised when it was last kept alive, and nobody had revoked it',
  NotAgain: 'A lease was kept alive after it had been seen gone',
  LeaseIds: 'Two grants were given the same id, or one that is not positive',
  Together: 'The end of a lease did not take exactly its keys with it, in one revision',
};

function check(history: History): Verdict {
  const findings = new Findings();
  const events = eventsOf(history, findings);
  const byLease = operationsByLease(history);
  const leases = leaseHistoryOf(history, events);
  const checks = { NotEarly: checkNotEarly, NotAgain: checkNotAgain, LeaseIds: checkLeaseIds };
  for (const [promise, checkPromise] of Object.entries(checks)) {
    for (const violation of checkPromise(leases)) {
      const id = /lease (-?\d+)/.exec(violation)?.[1] ?? '';
      const what = `${meanings[promise]}: ${violation}.`;
      findings.add(names[promise] ?? promise, what, byLease.get(id) ?? []);
    }
  }
  const deleted = deletedByClients(history);
  const all = EventHistory.of(events === undefined ? [] : watchEvents(events));
  for (const violation of checkTogether(
    all,
    (key) => key.startsWith(prefix) && !deleted.has(key),
  )) {
    const id = /lease (-?\d+)/.exec(violation)?.[1] ?? '';
    findings.add(
      'keys of a lease',
      `${meanings['Together']}: ${violation}.`,
      byLease.get(id) ?? [],
    );
  }
  checkRemaining(history, leases, findings);
  checkEnded(history, findings);
  const operations = history.operations.filter(({ f }) => f !== 'archive');
  return verdictOf('lease', findings, {
    judged: Math.min(leases.terms.length, leases.gone.length),
    isComplete: events !== undefined && events.gaps.size === 0,
    counts: {
      ...countOutcomes(operations),
      'grants and keep-alives': leases.terms.length,
      revokes: leases.revokes.length,
      'ends seen': leases.gone.length,
      revisions: events?.lastRevision ?? 0,
    },
  });
}

/** A new leader gives a lease its whole time and an election's once more (etcd server/lease/lessor.go, Promote). */
const extendedSecondsMax = 2;

/** What was told of the time that is left: never more than was granted, nor less than was promised. */
function checkRemaining(history: History, leases: LeaseHistory, findings: Findings): void {
  const revoked = new Set(leases.revokes.map(({ id }) => id));
  const granted = new Map<string, Operation>();
  for (const operation of history.operations) {
    const { f, outcome, output, startUs } = operation;
    if (outcome !== 'ok' || !isRecord(output)) continue;
    const id = idOf(operation);
    if (f === 'grant') granted.set(id, operation);
    const grant = granted.get(id);
    const left = Number(output['ttlSeconds']);
    if (f !== 'time-to-live' || left < 0 || grant === undefined || !isRecord(grant.output))
      continue;
    const whole = Number(grant.output['ttlSeconds']);
    const told = `${describeOperation(operation)} was told that lease ${id} has ${left} s left`;
    const operations = [grant.index, operation.index];
    if (left > whole + extendedSecondsMax) {
      findings.add(
        'too long a lease',
        `${told}, although it was granted for ${whole} s.`,
        operations,
      );
    }
    if (Number(output['grantedSeconds'] ?? whole) !== whole) {
      findings.add('too long a lease', `${told}, granted for other than ${whole} s.`, operations);
    }
    if (revoked.has(BigInt(id))) continue;
    const askedAtMs = startUs / 1_000;
    const dueMs = Math.max(
      ...leases.terms
        .filter(
          (term) => String(term.id) === id && term.ackedAtMs <= askedAtMs && term.ttlSeconds > 0,
        )
        .map((term) => term.beganAtMs + term.ttlSeconds * 1_000),
    );
    const promised = Math.floor((dueMs - endOf(operation) / 1_000 - toleranceMs) / 1_000);
    if (left >= promised) continue;
    findings.add('less than was promised', `${told}; ${promised} s had been promised.`, operations);
  }
}

/** Nobody keeps a lease alive any more, and the time of all is over. */
function checkEnded(history: History, findings: Findings): void {
  const last = operationsOf(history, 'last leases').findLast(({ outcome }) => outcome === 'ok');
  if (last === undefined) return;
  const kvs = answerOf(last)?.results[0]?.kvs ?? [];
  const still = kvs.filter(({ lease: id }) => id !== undefined);
  if (still.length === 0) return;
  const keys = still.map(({ key }) => key).slice(0, 5);
  const what =
    `A lease never ended: long after all were left to die, ${describeOperation(last)} ` +
    `still found ${still.length} keys of leases: ${keys.join(', ')}.`;
  findings.add('lease never ended', what, [last.index]);
}

/** The indexes of what concerns a lease, by its id. */
function operationsByLease(history: History): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { index, input, output } of history.operations) {
    const of = [input, output].find((json) => isRecord(json) && typeof json['id'] === 'string');
    if (!isRecord(of)) continue;
    const id = String(of['id']);
    found.set(id, [...(found.get(id) ?? []), index]);
  }
  return found;
}

/** Moments in milliseconds; what is seen is seen at the end of the operation that saw it. */
function leaseHistoryOf(history: History, events: Events | undefined): LeaseHistory {
  const terms: LeaseTerm[] = [];
  const revokes: LeaseRevoke[] = [];
  const gone: LeaseGone[] = [];
  const keys = new Map<string, Set<string>>();
  for (const operation of history.operations) {
    const beganAtMs = operation.startUs / 1000;
    const ackedAtMs = endOf(operation) / 1000;
    if (operation.f === 'revoke') revokes.push({ id: BigInt(idOf(operation)), beganAtMs });
    if (operation.f === 'attach') noteAttached(operation, keys);
    if (operation.outcome !== 'ok') continue;
    const ttlSeconds = isRecord(operation.output) ? Number(operation.output['ttlSeconds']) : 0;
    const seenAtMs = ackedAtMs + toleranceMs;
    if (operation.f === 'grant' || operation.f === 'keep-alive') {
      const id = BigInt(idOf(operation));
      const kind = operation.f === 'grant' ? 'grant' : 'keepAlive';
      terms.push({ id, kind, beganAtMs, ackedAtMs, ttlSeconds });
      if (ttlSeconds === 0) gone.push({ id, seenAtMs, how: 'not kept alive' });
    }
    if (operation.f === 'time-to-live' && ttlSeconds < 0) {
      gone.push({ id: BigInt(idOf(operation)), seenAtMs, how: 'seen gone by time-to-live' });
    }
    if (operation.f === 'read') gone.push(...missingIn(operation, keys, events));
  }
  return { terms, revokes, gone };
}

function idOf({ input, output }: Operation): string {
  const of = isRecord(input) && input['id'] !== undefined ? input : output;
  return isRecord(of) ? String(of['id'] ?? '0') : '0';
}

/** The keys of leases that were attached for certain. */
function noteAttached(operation: Operation, keys: Map<string, Set<string>>): void {
  const action = requestOf(operation)?.success[0];
  if (operation.outcome !== 'ok' || action?.op !== 'put' || action.lease === undefined) return;
  const known = keys.get(action.lease) ?? new Set<string>();
  keys.set(action.lease, known.add(action.key));
}

/** A read that shows no key of a lease that had some, none of which a client may have deleted. */
function missingIn(
  operation: Operation,
  keys: ReadonlyMap<string, ReadonlySet<string>>,
  events: Events | undefined,
): readonly LeaseGone[] {
  const range = requestOf(operation)?.success[0]?.key ?? '';
  const id = /^lease\/(-?\d+)\//.exec(range)?.[1];
  const attached = id === undefined ? undefined : keys.get(id);
  const kvs = answerOf(operation)?.results[0]?.kvs;
  if (id === undefined || attached === undefined || kvs === undefined || events === undefined)
    return [];
  // Key 0 may be detached and deleted by its client; the others live and die with the lease.
  const seen = new Set(kvs.map(({ key }) => key));
  const missing = [...attached].find((key) => !key.endsWith('/0') && !seen.has(key));
  if (missing === undefined) return [];
  const seenAtMs = endOf(operation) / 1000 + toleranceMs;
  return [{ id: BigInt(id), seenAtMs, how: `read without ${missing}` }];
}

/** Keys that a client deleted, or may have. */
function deletedByClients(history: History): ReadonlySet<string> {
  const found = operationsOf(history, 'delete').filter(({ outcome }) => outcome !== 'fail');
  return new Set(found.map((operation) => requestOf(operation)?.success[0]?.key ?? ''));
}

function watchEvents({ byRevision }: Events): readonly WatchEvent[] {
  return [...byRevision.keys()]
    .sort((a, b) => a - b)
    .flatMap((revision) => (byRevision.get(revision) ?? []).map(watchEventOf));
}

function watchEventOf(event: ArchivedEvent): WatchEvent {
  const { type, key, mod } = event;
  const put = event.type === 'put' ? event : undefined;
  return {
    type,
    key,
    kv: {
      value: put?.value ?? '',
      modRevision: mod,
      createRevision: put?.create ?? 0,
      version: put?.version ?? 0,
      lease: BigInt(put?.lease ?? '0'),
    },
    prev: undefined,
  };
}
