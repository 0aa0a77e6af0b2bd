import type { Operation } from '../types.ts';
import { describeOperation, endOf, type Findings } from './verdict.ts';

/** Cycles of dependencies, and their names after Adya; with real time among them, `G0-realtime` and so on. */

export interface Dependency {
  /** Places in the list of operations. */
  readonly from: number;
  readonly to: number;
  /** Order of two writes, a read of a write, a read before a write; real time. */
  readonly kind: 'ww' | 'wr' | 'rw' | 'rt';
  /** What `from` did, as the predicate of a sentence. */
  readonly why: string;
}

type Graph = ReadonlyMap<number, readonly Dependency[]>;

const explanations: Readonly<Record<string, string>> = {
  G0: 'Writes are ordered in a circle',
  G1c: 'Transactions saw each other in a circle',
  'G-single': 'A transaction saw one part of another one and missed a part',
  G2: 'Transactions missed each other, so that no order of them explains what they saw',
};

export function findCycles(
  dependencies: readonly Dependency[],
  operations: readonly Operation[],
  findings: Findings,
): void {
  const reported = new Set<number>();
  for (const isTimed of [false, true]) {
    const all = isTimed ? [...dependencies, ...realTime(operations)] : dependencies;
    for (const component of componentsOf(all)) {
      if ([...component].some((place) => reported.has(place))) continue;
      const cycle = worstCycle(all, component);
      if (cycle === undefined) continue;
      for (const place of component) if (place < operations.length) reported.add(place);
      report(isTimed, cycle, operations, findings);
    }
  }
}

/**
 * Real time in few edges: moments follow one another, an operation leads to the moment of its end, and a moment to
 * whatever begins behind it. Moments have places behind those of the operations.
 */
function realTime(operations: readonly Operation[]): readonly Dependency[] {
  const ends = operations
    .map((operation, place) => ({ at: endOf(operation), place }))
    .filter(({ at }) => at !== Infinity)
    .sort((a, b) => a.at - b.at);
  const starts = operations
    .map(({ startUs }, place) => ({ at: startUs, place }))
    .sort((a, b) => a.at - b.at);
  const found: Dependency[] = [];
  const rt = (from: number, to: number): void => {
    found.push({ from, to, kind: 'rt', why: 'was over before' });
  };
  const moment = (i: number): number => operations.length + i;
  ends.forEach(({ place }, i) => {
    rt(place, moment(i));
    if (i > 0) rt(moment(i - 1), moment(i));
  });
  let ended = 0;
  for (const { at, place } of starts) {
    while ((ends[ended]?.at ?? Infinity) < at) ended++;
    if (ended > 0) rt(moment(ended - 1), place);
  }
  return found;
}

/** The first of: a cycle of ww; with wr; with one rw; with any. Real time goes with all of them. */
function worstCycle(
  all: readonly Dependency[],
  component: ReadonlySet<number>,
): { readonly name: string; readonly cycle: readonly Dependency[] } | undefined {
  const inside = all.filter(({ from, to }) => component.has(from) && component.has(to));
  const isTime = ({ kind }: Dependency): boolean => kind === 'rt';
  const ww = inside.filter((each) => each.kind === 'ww' || isTime(each));
  const wr = inside.filter((each) => each.kind !== 'rw');
  const rw = inside.filter(({ kind }) => kind === 'rw');
  const attempts = [
    { name: 'G0', starts: ww, through: graphOf(ww) },
    { name: 'G1c', starts: wr.filter(({ kind }) => kind === 'wr'), through: graphOf(wr) },
    { name: 'G-single', starts: rw, through: graphOf(wr) },
    { name: 'G2', starts: rw, through: graphOf(inside) },
  ];
  for (const { name, starts, through } of attempts) {
    for (const start of starts) {
      if (name === 'G0' && start.kind === 'rt') continue;
      const rest = pathBetween(through, start.to, start.from);
      if (rest !== undefined) return { name, cycle: [start, ...rest] };
    }
  }
  return undefined;
}

function graphOf(dependencies: readonly Dependency[]): Graph {
  const graph = new Map<number, Dependency[]>();
  for (const each of dependencies) {
    const others = graph.get(each.from);
    if (others === undefined) graph.set(each.from, [each]);
    else others.push(each);
  }
  return graph;
}

/** A shortest one. */
function pathBetween(graph: Graph, from: number, to: number): readonly Dependency[] | undefined {
  const cameBy = new Map<number, Dependency>();
  const queue = [from];
  for (let i = 0; i < queue.length; i++) {
    const place = queue[i] ?? from;
    if (place === to) break;
    for (const each of graph.get(place) ?? []) {
      if (each.to === from || cameBy.has(each.to)) continue;
      cameBy.set(each.to, each);
      queue.push(each.to);
    }
  }
  const path: Dependency[] = [];
  for (let place = to; place !== from;) {
    const each = cameBy.get(place);
    if (each === undefined) return undefined;
    path.unshift(each);
    place = each.from;
  }
  return path;
}

/** Strongly connected components of more than one place (Tarjan 1972), without recursion. */
function componentsOf(dependencies: readonly Dependency[]): readonly ReadonlySet<number>[] {
  const graph = graphOf(dependencies);
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const found: ReadonlySet<number>[] = [];
  const open = (place: number): { place: number; next: number } => {
    order.set(place, order.size);
    low.set(place, order.size - 1);
    stack.push(place);
    onStack.add(place);
    return { place, next: 0 };
  };
  const close = (place: number): void => {
    if (low.get(place) !== order.get(place)) return;
    const members = new Set(stack.splice(stack.lastIndexOf(place)));
    for (const member of members) onStack.delete(member);
    if (members.size > 1) found.push(members);
  };
  const lower = (place: number, to: number): void => {
    low.set(place, Math.min(low.get(place) ?? to, to));
  };
  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const work = [open(root)];
    for (let frame = work.at(-1); frame !== undefined; frame = work.at(-1)) {
      const each = graph.get(frame.place)?.[frame.next++];
      if (each === undefined) {
        work.pop();
        close(frame.place);
        const parent = work.at(-1);
        if (parent !== undefined) lower(parent.place, low.get(frame.place) ?? Infinity);
      } else if (!order.has(each.to)) work.push(open(each.to));
      else if (onStack.has(each.to)) lower(frame.place, order.get(each.to) ?? Infinity);
    }
  }
  return found;
}

function report(
  isTimed: boolean,
  { name, cycle }: { readonly name: string; readonly cycle: readonly Dependency[] },
  operations: readonly Operation[],
  findings: Findings,
): void {
  const steps: string[] = [];
  const indexes: number[] = [];
  for (const { from, to, why } of cycle) {
    const operation = operations[from];
    if (operation === undefined) continue;
    indexes.push(operation.index);
    const next = operations[to] ?? firstBehind(cycle, to, operations);
    steps.push(`${describeOperation(operation)} ${why} (${next?.index ?? '?'})`);
  }
  const time = isTimed ? ', although real time forbids it' : '';
  findings.add(
    isTimed ? `${name}-realtime` : name,
    `${explanations[name]}${time}: ${steps.join('; ')}.`,
    indexes,
  );
}

/** The operation to which a way over moments leads. */
function firstBehind(
  cycle: readonly Dependency[],
  place: number,
  operations: readonly Operation[],
): Operation | undefined {
  let at = place;
  for (let i = 0; i < cycle.length && operations[at] === undefined; i++) {
    at = cycle.find(({ from }) => from === at)?.to ?? at;
  }
  return operations[at];
}
