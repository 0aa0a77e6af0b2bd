import { answerOf, isRecord, requestOf } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { eventsOf, type Events } from './events.ts';
import {
  countOutcomes,
  describeOperation,
  endOf,
  Findings,
  operationsOf,
  verdictOf,
} from './verdict.ts';

/**
 * A lock with fencing. What its holders wrote under their tokens must come as if one at a time: tokens only grow,
 * and each counts on from what the one before left. That two clients believe at once that they hold the lock is
 * no fault: it cannot be avoided without the token, and is only counted. An election is the same, and tells who leads.
 */

export const lock: Checker = { name: 'lock', check };

interface Holding {
  readonly operation: Operation;
  readonly token: number;
  readonly fromUs: number;
  toUs: number;
}

interface Count {
  readonly revision: number;
  readonly count: number;
  readonly token: number;
  readonly index: number | undefined;
}

function check(history: History): Verdict {
  const findings = new Findings();
  const events = eventsOf(history, findings);
  const holdings = holdingsOf(history);
  checkTokens(holdings, findings);
  const leaders = operationsOf(history, 'leader').filter(({ outcome }) => outcome === 'ok');
  checkLeaders(history, { leaders, holdings }, findings);
  const writes = operationsOf(history, 'fenced write');
  const counts = countsOf(writes, events);
  checkCounts(counts, findings);
  checkAcknowledged(writes, counts, findings);
  return verdictOf('lock', findings, {
    judged: Math.min(holdings.length, counts.length),
    isComplete: events !== undefined && events.gaps.size === 0,
    counts: {
      ...countOutcomes(writes),
      'times held': holdings.length,
      'fenced writes done': counts.length,
      'fenced writes refused': writes.filter((each) => answerOf(each)?.succeeded === false).length,
      'two holders at once, without the token': overlapsOf(holdings),
      ...(leaders.length > 0 ? { 'answers to who leads': leaders.length } : {}),
    },
  });
}

/** From when a client was told that it holds the lock to when it began to give it up. */
function holdingsOf(history: History): readonly Holding[] {
  const byId = new Map<string, Holding>();
  /** Answers of a member's own lock, which do not tell the token. */
  const locked = new Map<string, Operation>();
  for (const operation of history.operations) {
    const { f, input, output, outcome, startUs } = operation;
    if (!isRecord(input)) continue;
    const id = String(input['id']);
    if (outcome === 'ok' && isRecord(output)) {
      if (f === 'lock') locked.set(id, operation);
      const held = heldBy(operation, locked.get(id) ?? operation);
      if (held !== undefined) byId.set(id, held);
    }
    const holding = byId.get(id);
    if (givesBack.has(f) && holding !== undefined) {
      holding.toUs = Math.min(holding.toUs, startUs);
    }
  }
  return [...byId.values()].sort((a, b) => a.fromUs - b.fromUs);
}

const givesBack: ReadonlySet<string> = new Set(['unlock', 'resign', 'release']);

/** Undefined: the answer is not that of a lock that is held. `told` is the one that said so. */
function heldBy({ f, input, output }: Operation, told: Operation): Holding | undefined {
  if (!isRecord(input) || !isRecord(output)) return undefined;
  const isHeld =
    (f === 'acquire' && output['state'] === 'held') ||
    f === 'campaign' ||
    (f === 'token' && output['token'] !== null);
  if (!isHeld) return undefined;
  const token = Number(f === 'acquire' ? input['token'] : output['token']);
  return { operation: told, token, fromUs: endOf(told), toUs: Infinity };
}

/** Whoever gets the lock behind another one has the greater token. */
function checkTokens(holdings: readonly Holding[], findings: Findings): void {
  let greatest: Holding | undefined;
  for (const holding of holdings) {
    if (greatest !== undefined && holding.token <= greatest.token) {
      const isOver = holding.operation.startUs > greatest.fromUs;
      if (isOver || holding.token === greatest.token) {
        findings.add(
          'token went back',
          `${describeOperation(holding.operation)} was told that it holds the lock with token ${holding.token}, ` +
            `although ${describeOperation(greatest.operation)} had held it with ${greatest.token} before.`,
          [greatest.operation.index, holding.operation.index],
        );
      }
    }
    if (greatest === undefined || holding.token > greatest.token) greatest = holding;
  }
}

/**
 * Who leads is the one with the oldest key, so that its token only grows; and it says what that one has said.
 * `leaders` are the answers.
 */
function checkLeaders(
  history: History,
  { leaders, holdings }: { leaders: readonly Operation[]; holdings: readonly Holding[] },
  findings: Findings,
): void {
  const told = [
    ...leaders.map((operation) => ({ operation, token: tokenIn(operation) })),
    ...holdings.map(({ operation, token }) => ({ operation, token })),
  ].sort((a, b) => endOf(a.operation) - endOf(b.operation));
  for (const operation of leaders) {
    const token = tokenIn(operation);
    const before = told
      .filter((each) => endOf(each.operation) < operation.startUs)
      .reduce<(typeof told)[number] | undefined>(
        (most, each) => (most === undefined || each.token > most.token ? each : most),
        undefined,
      );
    if (before === undefined || token >= before.token) continue;
    findings.add(
      'leader went back',
      `${describeOperation(operation)} was told of a leader with token ${token}, although ` +
        `${describeOperation(before.operation)} had been told of one with ${before.token} before.`,
      [before.operation.index, operation.index],
    );
  }
  const said = valuesByLease(history);
  for (const operation of leaders) {
    const { lease, value } = isRecord(operation.output) ? operation.output : {};
    if (said.get(String(lease))?.has(String(value)) === true) continue;
    const what = `${describeOperation(operation)} was told that the leader says ${String(value)}, which it never said.`;
    findings.add('wrong leader', what, [operation.index]);
  }
}

function tokenIn({ output }: Operation): number {
  return isRecord(output) ? Number(output['token']) : 0;
}

/** What each candidate has asked to be known for. */
function valuesByLease({ operations }: History): ReadonlyMap<string, ReadonlySet<string>> {
  const said = new Map<string, Set<string>>();
  for (const { f, input } of operations) {
    if ((f !== 'campaign' && f !== 'proclaim') || !isRecord(input)) continue;
    const values = said.get(String(input['id'])) ?? new Set<string>();
    said.set(String(input['id']), values.add(String(input['value'])));
  }
  return said;
}

/** What was truly written, by revision; those in doubt are there if they happened. */
function countsOf(writes: readonly Operation[], events: Events | undefined): readonly Count[] {
  const byValue = new Map(
    writes.map((operation) => {
      const action = requestOf(operation)?.success[0];
      return [action?.op === 'put' ? action.value : '', operation.index];
    }),
  );
  const found: Count[] = [];
  for (const revision of [...(events?.byRevision.keys() ?? [])].sort((a, b) => a - b)) {
    for (const event of events?.byRevision.get(revision) ?? []) {
      if (event.type !== 'put' || !event.key.startsWith('fenced/')) continue;
      const [count = '0', token = '0'] = event.value.split(' ');
      const index = byValue.get(event.value);
      found.push({ revision, count: Number(count), token: Number(token), index });
    }
  }
  return found;
}

function checkCounts(counts: readonly Count[], findings: Findings): void {
  counts.forEach((each, i) => {
    const before = counts[i - 1];
    if (before === undefined || each.token === 0) return;
    const operations = [before.index, each.index];
    if (each.token < before.token) {
      const what = `At revision ${each.revision} a holder with token ${each.token} wrote, although one with the greater token ${before.token} had written at revision ${before.revision}: the token did not keep the old holder out.`;
      findings.add('fenced write of an old holder', what, operations);
    }
    if (each.count !== before.count + 1) {
      const what = `At revision ${each.revision} a holder counted to ${each.count}, behind ${before.count} at revision ${before.revision}: two held the lock at once, and one of them overwrote what the other had done.`;
      findings.add('lost update under the lock', what, operations);
    }
  });
}

function checkAcknowledged(
  writes: readonly Operation[],
  counts: readonly Count[],
  findings: Findings,
): void {
  const done = new Set(counts.map(({ index }) => index));
  for (const operation of writes) {
    const answer = answerOf(operation);
    if (answer?.succeeded !== true || done.has(operation.index)) continue;
    const what = `${describeOperation(operation)} was acknowledged at revision ${answer.revision}, and is not in the history of the store.`;
    findings.add('lost write', what, [operation.index]);
  }
}

/** How often two believed at the same time that they hold it. */
function overlapsOf(holdings: readonly Holding[]): number {
  let overlaps = 0;
  let latestUs = 0;
  for (const { fromUs, toUs } of holdings) {
    if (fromUs < latestUs) overlaps++;
    latestUs = Math.max(latestUs, toUs === Infinity ? fromUs : toUs);
  }
  return overlaps;
}
