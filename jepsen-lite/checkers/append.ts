import { answerOf } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { dependenciesOf } from './append-graph.ts';
import { appendId, firstReads, type Append, type Lists, type Txn } from './append-lists.ts';
import { findCycles } from './cycles.ts';
import { countOutcomes, describeOperation, Findings, operationsOf, verdictOf } from './verdict.ts';

/**
 * List-append, after Elle (Kingsbury and Alvaro, VLDB 2020): the lists that were read say in which order each key's
 * elements came; from that follow the dependencies of transactions, and a cycle of them is an anomaly of Adya's
 * (G0, G1c, G-single, G2), or of real time.
 */

export const append: Checker = { name: 'append', check };

function check(history: History): Verdict {
  const findings = new Findings();
  const txns = operationsOf(history, 'txn').map((operation): Txn => {
    const told = operation.outcome === 'ok' ? operation.output : operation.input;
    return { operation, actions: told as unknown as Txn['actions'] };
  });
  const appends = appendsOf(txns);
  const finals = finalLists(history);
  const order = orderOf(txns, finals, findings);
  const lists = { order, appends };
  for (const txn of txns) {
    if (txn.operation.outcome === 'ok') checkReads(txn, lists, findings);
  }
  if (finals !== undefined) checkLost(txns, finals, findings);
  const happened = txns.filter(({ operation }) => operation.outcome !== 'fail');
  const graph = dependenciesOf(happened, lists);
  findCycles(
    graph,
    happened.map(({ operation }) => operation),
    findings,
  );
  const reads = txns.flatMap(({ operation, actions }) =>
    operation.outcome === 'ok' ? actions.filter(([f]) => f === 'r') : [],
  );
  return verdictOf('append', findings, {
    judged: Math.min(reads.length, appends.size),
    isComplete: finals !== undefined,
    counts: {
      ...countOutcomes(txns.map(({ operation }) => operation)),
      reads: reads.length,
      appends: appends.size,
      keys: order.size,
      dependencies: graph.length,
    },
  });
}

function appendsOf(txns: readonly Txn[]): ReadonlyMap<string, Append> {
  const appends = new Map<string, Append>();
  for (const txn of txns) {
    const last = new Map<string, string>();
    for (const [f, key, value] of txn.actions) if (f === 'append') last.set(key, String(value));
    for (const [f, key, value] of txn.actions) {
      if (f !== 'append') continue;
      appends.set(appendId(key, String(value)), { txn, isLast: last.get(key) === value });
    }
  }
  return appends;
}

interface FinalLists {
  readonly operation: Operation;
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

function finalLists(history: History): FinalLists | undefined {
  const operation = operationsOf(history, 'final lists').findLast(
    ({ outcome }) => outcome === 'ok',
  );
  const answer = operation === undefined ? undefined : answerOf(operation);
  if (operation === undefined || answer === undefined) return undefined;
  const kvs = answer.results[0]?.kvs ?? [];
  const lists = new Map(kvs.map(({ key, value }) => [key, value === '' ? [] : value.split(' ')]));
  return { operation, lists };
}

/** Lists of one key must be beginnings of one another. */
function orderOf(
  txns: readonly Txn[],
  finals: FinalLists | undefined,
  findings: Findings,
): Map<string, readonly string[]> {
  const longest = new Map<string, { readonly list: readonly string[]; readonly by: Operation }>();
  const take = (key: string, list: readonly string[], by: Operation): void => {
    const known = longest.get(key);
    const [short, long] =
      known !== undefined && known.list.length > list.length
        ? [list, known.list]
        : [known?.list ?? [], list];
    if (known !== undefined && short.some((element, i) => long[i] !== element)) {
      findings.add(
        'incompatible order',
        `${describeOperation(known.by)} and ${describeOperation(by)} saw the list ${key} in ways that ` +
          `cannot both be: [${known.list.join(' ')}] and [${list.join(' ')}]. Something that one of them saw was lost or reordered.`,
        [known.by.index, by.index],
      );
    }
    if (known === undefined || list.length > known.list.length) longest.set(key, { list, by });
  };
  for (const { operation, actions } of txns) {
    if (operation.outcome !== 'ok') continue;
    for (const [key, list] of firstReads(actions)) take(key, list, operation);
  }
  for (const [key, list] of finals?.lists ?? [])
    if (finals !== undefined) take(key, list, finals.operation);
  return new Map([...longest].map(([key, { list }]) => [key, list]));
}

function checkReads(txn: Txn, { appends }: Lists, findings: Findings): void {
  const { operation } = txn;
  const about = describeOperation(operation);
  checkInternal(txn, findings);
  for (const [key, list] of firstReads(txn.actions)) {
    const seen = new Set<string>();
    for (const [i, element] of list.entries()) {
      const append = appends.get(appendId(key, element));
      const by = append?.txn.operation;
      if (seen.has(element)) {
        const what = `${about} saw ${element} twice in the list ${key}, which was appended once.`;
        findings.add('duplicate element', what, [by?.index, operation.index]);
      }
      seen.add(element);
      if (by === undefined) {
        const what = `${about} saw ${element} in the list ${key}, which nobody appended.`;
        findings.add('element of nobody', what, [operation.index]);
      } else if (by.outcome === 'fail') {
        const what = `${about} saw ${element} in the list ${key}, but ${describeOperation(by)}, which appended it, had failed: it must not be seen.`;
        findings.add('G1a', what, [by.index, operation.index]);
      }
      if (append !== undefined && !append.isLast && i === list.length - 1) {
        const what = `${about} saw the list ${key} end with ${element}, in the middle of the transaction of ${describeOperation(append.txn.operation)}, which appended more.`;
        findings.add('G1b', what, [by?.index, operation.index]);
      }
    }
  }
}

/** A transaction sees its own appends, and the same list twice. */
function checkInternal({ operation, actions }: Txn, findings: Findings): void {
  const lists = new Map<string, readonly string[]>();
  for (const [f, key, value] of actions) {
    const known = lists.get(key);
    if (f === 'append') {
      if (known !== undefined) lists.set(key, [...known, String(value)]);
      continue;
    }
    const list = (value ?? []) as readonly string[];
    if (known !== undefined && known.join(' ') !== list.join(' ')) {
      findings.add(
        'internal',
        `${describeOperation(operation)} read [${list.join(' ')}] of ${key}, where by its own actions it had to read [${known.join(' ')}].`,
        [operation.index],
      );
    }
    lists.set(key, list);
  }
}

function checkLost(txns: readonly Txn[], finals: FinalLists, findings: Findings): void {
  const present = new Map([...finals.lists].map(([key, list]) => [key, new Set(list)]));
  for (const { operation, actions } of txns) {
    if (operation.outcome !== 'ok') continue;
    for (const [f, key, value] of actions) {
      if (f !== 'append' || present.get(key)?.has(String(value)) === true) continue;
      const what = `${describeOperation(operation)} was told that ${String(value)} is appended to ${key}, and at the end it is not there.`;
      findings.add('lost append', what, [operation.index, finals.operation.index]);
    }
  }
}
