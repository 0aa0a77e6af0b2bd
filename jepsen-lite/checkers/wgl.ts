import { describeRequest, requestOf } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { stepOf, UnseenStep, type Step } from './register-model.ts';
import { countOutcomes, describeOperation, endOf, Findings, verdictOf } from './verdict.ts';

/**
 * Linearizability by search, key by key (Wing and Gong 1993; Lowe, "Testing for linearizability", 2017: just in
 * time, with the states already seen remembered; partitioned by key as in Horn and Kroening 2015). It knows nothing
 * of revisions: the second opinion on the replay. An operation in doubt may take effect at any later time or never.
 */

export const wgl: Checker = {
  name: 'wgl',
  check: (history) => checkWithin(history, statesMaxDefault),
};

/** Per history; what needs more is `unknown`. */
const statesMaxDefault = 3_000_000;

interface Candidate {
  readonly operation: Operation;
  readonly step: Step;
}

export function checkWithin(history: History, statesMax: number): Verdict {
  const findings = new Findings();
  const byKey = new Map<string, Candidate[]>();
  const judged: Operation[] = [];
  for (const operation of history.operations) {
    const request = requestOf(operation);
    // What failed has not happened, and what a member knows of old promises no order.
    if (request === undefined || operation.outcome === 'fail' || request.serializable === true) {
      continue;
    }
    const entry = stepOf(operation, request);
    if (entry === undefined) continue;
    judged.push(operation);
    const others = byKey.get(entry.key);
    if (others === undefined) byKey.set(entry.key, [{ operation, step: entry.step }]);
    else others.push({ operation, step: entry.step });
  }
  const budget = { states: statesMax };
  let unknown = 0;
  for (const [key, candidates] of byKey) {
    const result = searchKey(withoutUnseen(candidates), budget);
    if (result === 'unknown') unknown++;
    else if (result !== undefined) report(key, result, candidates, findings);
  }
  return verdictOf('wgl', findings, {
    judged: judged.filter(({ outcome }) => outcome === 'ok').length,
    isComplete: unknown === 0,
    counts: {
      ...countOutcomes(judged),
      keys: byKey.size,
      'keys given up': unknown,
      'states explored': statesMax - budget.states,
    },
  });
}

/**
 * Writes in doubt whose value nobody ever saw are all alike: their values become one. Where not even the existence
 * of the key was told, they are left out: where one of them fits, everything fits without it too.
 */
function withoutUnseen(candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set(candidates.flatMap(({ step }) => step.saw));
  const isNeeded = candidates.some(({ step }) => step.sawExistence);
  return candidates.flatMap((candidate) => {
    const { operation, step } = candidate;
    if (operation.outcome === 'ok' || step.wrote === undefined || seen.has(step.wrote)) {
      return [candidate];
    }
    return isNeeded ? [{ operation, step: new UnseenStep(step) }] : [];
  });
}

/** Where the search may be: the value, and which of the operations under way have happened. */
interface Configuration {
  readonly value: string | null;
  /** Ascending places in the list of candidates. */
  readonly done: readonly number[];
}

type Stuck = { readonly candidate: Candidate; readonly values: readonly (string | null)[] };

/** Undefined: linearizable. Otherwise the first operation whose answer fits nowhere. */
function searchKey(
  candidates: readonly Candidate[],
  budget: { states: number },
): Stuck | 'unknown' | undefined {
  let configurations: readonly Configuration[] = [{ value: null, done: [] }];
  const open = new Set<number>();
  for (const { place, isCall } of momentsOf(candidates)) {
    if (isCall) {
      open.add(place);
      continue;
    }
    const next = advance(configurations, { candidates, open, place, budget });
    if (next === 'unknown') return next;
    const [candidate] = candidates.slice(place, place + 1);
    if (next.length === 0 && candidate !== undefined) {
      return { candidate, values: [...new Set(configurations.map(({ value }) => value))] };
    }
    open.delete(place);
    configurations = withoutSettled(next, candidates, open);
  }
  return undefined;
}

/** Optional operations that happened in every configuration are decided, and need not be remembered. */
function withoutSettled(
  configurations: readonly Configuration[],
  candidates: readonly Candidate[],
  open: Set<number>,
): readonly Configuration[] {
  const [first] = configurations;
  const settled = (first?.done ?? []).filter((place) => {
    const candidate = candidates[place];
    if (candidate === undefined || !isOptional(candidate)) return false;
    return configurations.every(({ done }) => done.includes(place));
  });
  if (settled.length === 0) return configurations;
  for (const place of settled) open.delete(place);
  return configurations.map(({ value, done }) => {
    return { value, done: done.filter((place) => !settled.includes(place)) };
  });
}

/** Calls and returns in order; at the same moment calls come first, so that both overlap. */
function momentsOf(candidates: readonly Candidate[]): readonly Moment[] {
  const moments = candidates.flatMap(({ operation }, place): Moment[] => {
    const call = { at: operation.startUs, place, isCall: true };
    const end = endOf(operation);
    return end === Infinity ? [call] : [call, { at: end, place, isCall: false }];
  });
  return moments.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
}

type Moment = { readonly at: number; readonly place: number; readonly isCall: boolean };

/** All configurations in which the operation that returns has happened. */
function advance(
  from: readonly Configuration[],
  {
    candidates,
    open,
    place,
    budget,
  }: {
    readonly candidates: readonly Candidate[];
    readonly open: ReadonlySet<number>;
    readonly place: number;
    readonly budget: { states: number };
  },
): readonly Configuration[] | 'unknown' {
  const seen = new Set<string>();
  const arrived: Configuration[] = [];
  const isAwaited = awaitedBy([...open].flatMap((each) => candidates[each] ?? []));
  const stack = [...from];
  for (let current = stack.pop(); current !== undefined; current = stack.pop()) {
    const id = `${current.done.join(' ')}|${JSON.stringify(current.value)}`;
    if (seen.has(id)) continue;
    seen.add(id);
    if (budget.states-- <= 0) return 'unknown';
    if (current.done.includes(place)) {
      arrived.push({ value: current.value, done: current.done.filter((each) => each !== place) });
      continue;
    }
    const tried = new Set<string>();
    for (const next of open) {
      const candidate = candidates[next];
      if (candidate === undefined || current.done.includes(next)) continue;
      const value = candidate.step.apply(current.value);
      if (value === undefined) continue;
      if (isOptional(candidate)) {
        // It can wait until somebody sees what it changes, and of those that are alike one is as good as another.
        const kind = `${candidate.step.saw.join()}|${JSON.stringify(value)}`;
        if (value === current.value || tried.has(kind) || !isAwaited(value)) continue;
        tried.add(kind);
      }
      stack.push({ value, done: [...current.done, next].sort((a, b) => a - b) });
    }
  }
  return withoutDominated(arrived, candidates);
}

/** Which values operations under way can see. */
function awaitedBy(open: readonly Candidate[]): (value: string | null) => boolean {
  const isExistence = open.some(({ step }) => step.sawExistence);
  const isNothing = open.some(({ step }) => step.sawNothing);
  const values = new Set(open.flatMap(({ step }) => step.saw));
  return (value) => (value === null ? isNothing : isExistence || values.has(value));
}

/** It may as well never happen. */
function isOptional({ operation }: Candidate): boolean {
  return operation.outcome !== 'ok';
}

/** Of two that differ only in optional operations, the one in which fewer of them happened can do all the other can. */
function withoutDominated(
  arrived: readonly Configuration[],
  candidates: readonly Candidate[],
): readonly Configuration[] {
  const groups = new Map<
    string,
    { readonly kept: Configuration[]; readonly optional: number[][] }
  >();
  const byFewest = [...arrived].sort((a, b) => a.done.length - b.done.length);
  for (const configuration of byFewest) {
    const isChosen = (place: number): boolean => {
      const candidate = candidates[place];
      return candidate !== undefined && isOptional(candidate);
    };
    const optional = configuration.done.filter(isChosen);
    const due = configuration.done.filter((place) => !isChosen(place));
    const id = `${due.join(' ')}|${JSON.stringify(configuration.value)}`;
    const group = groups.get(id) ?? { kept: [], optional: [] };
    groups.set(id, group);
    if (group.optional.some((less) => less.every((place) => optional.includes(place)))) continue;
    group.kept.push(configuration);
    group.optional.push(optional);
  }
  return [...groups.values()].flatMap(({ kept }) => kept);
}

function report(
  key: string,
  { candidate, values }: Stuck,
  candidates: readonly Candidate[],
  findings: Findings,
): void {
  const { operation, step } = candidate;
  const request = requestOf(operation);
  const possible = values.map((value) => (value === null ? 'no value' : `"${value}"`)).join(' or ');
  const seen = new Set<string | null>([...step.saw, ...values]);
  const writers = candidates.filter(
    ({ step: { wrote } }) => wrote !== undefined && seen.has(wrote),
  );
  findings.add(
    'not linearizable',
    `No order of the operations on key ${key} explains ${describeOperation(operation)}, ` +
      `"${request === undefined ? '' : describeRequest(request)}", answered ${step.answered}: before the ` +
      `operations that were under way with it, the key had ${possible}.`,
    [...writers.map(({ operation: { index } }) => index), operation.index],
  );
}
