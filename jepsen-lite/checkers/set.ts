import { answerOf, requestOf, type Kv } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import {
  countOutcomes,
  describeOperation,
  endOf,
  Findings,
  formatSeconds,
  operationsOf,
  verdictOf,
} from './verdict.ts';

/** A set: what was added is there, once, until it is removed, and then never again. */

export const set: Checker = { name: 'set', check };

interface Element {
  readonly key: string;
  readonly add: Operation;
  remove: Operation | undefined;
  readonly reads: { readonly operation: Operation; readonly kv: Kv | undefined }[];
}

function check(history: History): Verdict {
  const findings = new Findings();
  const elements = elementsOf(history);
  const reads = operationsOf(history, 'read').filter(({ outcome }) => outcome === 'ok');
  const sorted = [...elements.keys()].sort();
  for (const operation of reads) takeRead(operation, elements, sorted, findings);
  for (const element of elements.values()) checkElement(element, findings);
  const last = reads.at(-1);
  const isWhole = requestOf(last ?? noOperation)?.success[0]?.key === 'set/';
  const changes = [...operationsOf(history, 'add'), ...operationsOf(history, 'remove')];
  return verdictOf('set', findings, {
    judged: Math.min(reads.length, changes.filter(({ outcome }) => outcome === 'ok').length),
    isComplete: isWhole,
    counts: {
      ...countOutcomes(changes),
      elements: elements.size,
      reads: reads.length,
      'elements at the end': answerOf(last ?? noOperation)?.results[0]?.kvs?.length ?? 0,
    },
  });
}

const noOperation: Operation = {
  index: -1,
  process: 0,
  member: '',
  f: '',
  input: null,
  startUs: 0,
  endUs: undefined,
  outcome: 'info',
  output: null,
};

function elementsOf(history: History): Map<string, Element> {
  const elements = new Map<string, Element>();
  for (const operation of history.operations) {
    const key = requestOf(operation)?.success[0]?.key ?? '';
    if (operation.f === 'add') {
      elements.set(key, { key, add: operation, remove: undefined, reads: [] });
    }
    const element = elements.get(key);
    if (operation.f === 'remove' && element !== undefined) element.remove = operation;
  }
  return elements;
}

function takeRead(
  operation: Operation,
  elements: ReadonlyMap<string, Element>,
  sorted: readonly string[],
  findings: Findings,
): void {
  const action = requestOf(operation)?.success[0];
  if (action?.op !== 'get') return;
  const kvs = answerOf(operation)?.results[0]?.kvs ?? [];
  const present = new Map<string, Kv>();
  for (const kv of kvs) {
    if (present.has(kv.key)) {
      const what = `${describeOperation(operation)} was answered ${kv.key} twice in one list.`;
      findings.add('duplicated', what, [operation.index]);
    }
    present.set(kv.key, kv);
    if (elements.has(kv.key)) continue;
    const what = `${describeOperation(operation)} saw ${kv.key}, which nobody ever added.`;
    findings.add('element of nobody', what, [operation.index]);
  }
  const { key, end = `${key}\0` } = action;
  for (let i = lowerBound(sorted, key); i < sorted.length; i++) {
    const name = sorted[i] ?? end;
    if (name >= end) break;
    elements.get(name)?.reads.push({ operation, kv: present.get(name) });
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function checkElement({ key, add, remove, reads }: Element, findings: Findings): void {
  for (const { operation, kv } of reads) {
    if (kv === undefined) continue;
    const about = `${describeOperation(operation)} saw ${key}`;
    if (add.outcome === 'fail') {
      const what = `${about}, although ${describeOperation(add)}, which added it, failed.`;
      findings.add('failed add happened', what, [add.index, operation.index]);
    } else if (endOf(operation) < add.startUs) {
      const what = `${about} before ${describeOperation(add)} began to add it.`;
      findings.add('element before its add', what, [add.index, operation.index]);
    }
    if (kv.version > 1) {
      const what = `${about} in its version ${kv.version}, but it was added once only: the add was applied twice.`;
      findings.add('duplicated', what, [add.index, operation.index]);
    }
  }
  const there = earliest(
    add,
    reads.filter(({ kv }) => kv !== undefined),
  );
  if (there === undefined) return;
  const removed = remove === undefined || didNothing(remove) ? undefined : remove;
  const wrongly = reads.filter(
    ({ operation, kv }) =>
      kv === undefined &&
      operation.startUs > endOf(there) &&
      !(removed !== undefined && removed.startUs <= endOf(operation)),
  );
  checkAbsent({ key, there, wrongly, reads }, findings);
  if (removed === undefined) return;
  const absent = reads.filter(
    ({ operation, kv }) => kv === undefined && operation.startUs > endOf(there),
  );
  const gone = earliest(removed, absent);
  if (gone === undefined) return;
  for (const { operation, kv } of reads) {
    if (kv === undefined || operation.startUs <= endOf(gone)) continue;
    const what = `${describeOperation(operation)} saw ${key}, although it was gone since ${describeOperation(gone)}, and nobody adds it again.`;
    findings.add('resurrected', what, [add.index, gone.index, operation.index]);
  }
}

/** What found nothing to remove came before an add of which nobody knew whether it had happened, nor when. */
function didNothing(remove: Operation): boolean {
  return remove.outcome === 'fail' || answerOf(remove)?.results[0]?.deleted === 0;
}

/** Missing for good is lost; missing in between is a read that was stale. */
function checkAbsent(
  {
    key,
    there,
    wrongly,
    reads,
  }: {
    readonly key: string;
    readonly there: Operation;
    readonly wrongly: Element['reads'];
    readonly reads: Element['reads'];
  },
  findings: Findings,
): void {
  // Lost once, however many reads miss it after that.
  let isLost = false;
  for (const { operation } of wrongly) {
    const later = reads.find(
      (each) => each.kv !== undefined && each.operation.startUs > operation.startUs,
    );
    const about =
      `At ${formatSeconds(operation.endUs ?? operation.startUs)} ${describeOperation(operation)} did not see ${key}, ` +
      `which was there since ${describeOperation(there)} at ${formatSeconds(endOf(there))}, and which nobody had removed`;
    if (later !== undefined) {
      const what = `${about}; ${describeOperation(later.operation)} saw it again: the read was stale.`;
      findings.add('stale read', what, [there.index, operation.index]);
    } else if (!isLost) {
      isLost = true;
      findings.add('lost', `${about}; it was never seen again.`, [there.index, operation.index]);
    }
  }
}

/** The first operation to be over of those that prove a change: the change itself, if it was acknowledged, and reads. */
function earliest(change: Operation, proofs: Element['reads']): Operation | undefined {
  const candidates = [
    ...(change.outcome === 'ok' ? [change] : []),
    ...proofs.map(({ operation }) => operation),
  ];
  return candidates.reduce<Operation | undefined>(
    (first, each) => (first === undefined || endOf(each) < endOf(first) ? each : first),
    undefined,
  );
}
