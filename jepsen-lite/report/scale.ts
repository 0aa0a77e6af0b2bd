import { answerOf } from '../client/requests.ts';
import type { JudgedVerdict } from '../judge.ts';
import type { History, Operation } from '../types.ts';
import { isNote, joined, membersOf, wrongOf, type Finding } from './findings.ts';
import { formatTime } from './words.ts';

/** How far it reaches: how often, where, from when to when, and who else has seen the same. */

/** All that one checker found under one name. */
interface Group {
  readonly checker: string;
  readonly name: string;
  readonly count: number;
  /** How many of them are told in full. */
  readonly told: number;
  /** Indexes of what was confirmed or written before, and of what was wrong then. */
  readonly before: ReadonlySet<number>;
  readonly wrong: ReadonlySet<number>;
}

const linesMax = 4;

/** A line for each kind of failure, that of the first finding first. */
export function scaleOf(
  history: History,
  verdicts: readonly JudgedVerdict[],
  findings: readonly Finding[],
): readonly string[] {
  const order = new Map<string, number>();
  for (const { verdict, anomaly } of findings) {
    const name = `${verdict.checker} ${anomaly.name}`;
    if (!order.has(name)) order.set(name, order.size);
  }
  const place = ({ checker, name }: Group): number =>
    order.get(`${checker} ${name}`) ?? Number.POSITIVE_INFINITY;
  const groups = verdicts
    .filter(({ expected }) => expected === undefined)
    .flatMap((verdict) => groupsOf(history, verdict))
    .sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
  const classes: Group[][] = [];
  for (const group of groups) {
    const alike = classes.find(([first]) => first !== undefined && isAlike(first, group));
    if (alike === undefined) classes.push([group]);
    else alike.push(group);
  }
  const events = verdicts.find(({ checker }) => checker === 'watch')?.counts['events told'];
  return [
    ...classes.slice(0, linesMax).flatMap((each) => describeClass(history, each, events)),
    ...furthestBack(history, verdicts),
  ];
}

function groupsOf(history: History, verdict: JudgedVerdict): readonly Group[] {
  const { checker, anomalies, counts } = verdict;
  const cases = verdict.cases ?? anomalies;
  const names = new Set(cases.filter((each) => each.operations.length > 0).map(({ name }) => name));
  return [...names].map((name) => {
    const own = cases.filter((each) => each.name === name);
    const before = new Set<number>();
    const wrong = new Set<number>();
    for (const each of own) {
      const answer = wrongOf(history, each);
      if (answer !== undefined) wrong.add(answer.index);
      const [first] = each.operations.filter((index) => index !== answer?.index);
      if (first !== undefined) before.add(first);
    }
    const count = counts[`anomaly: ${name}`] ?? own.length;
    const told = anomalies.filter((each) => each.name === name).length;
    return { checker, name, count, told, before, wrong };
  });
}

/** Most of the wrong answers of the smaller group are those of the other. */
function isAlike(a: Group, b: Group): boolean {
  const [small, large] = a.wrong.size < b.wrong.size ? [a.wrong, b.wrong] : [b.wrong, a.wrong];
  const shared = [...small].filter((index) => large.has(index)).length;
  return small.size > 0 && shared * 2 > small.size;
}

function describeClass(
  history: History,
  [first, ...others]: readonly Group[],
  eventsTold: number | undefined,
): readonly string[] {
  if (first === undefined) return [];
  const { checker, name, count, told, wrong } = first;
  const answers = [...wrong].flatMap((index) => history.operations[index] ?? []);
  const also = others.map((each) => `${each.count} × ${each.name} by ${each.checker}`);
  const seen = also.length === 0 ? '' : `, seen as ${joined(also)} too`;
  const shown = told < count ? `; the first ${told} of a kind are told` : '';
  const where = whereAndWhen(answers);
  return [
    `How much: ${subject(first, answers, eventsTold)}${where} (${count} × ${name} by ${checker}${seen}${shown}).`,
  ];
}

function subject(
  { name, count, before, wrong }: Group,
  answers: readonly Operation[],
  eventsTold = 0,
): string {
  if (answers.some(isNote)) {
    const others = name === 'Reliable' ? `, of ${eventsTold} events that watchers were told` : '';
    return `${counted(before.size, 'change')} at ${counted(wrong.size, 'watch', 'watches')}${others}`;
  }
  // One for each element, whoever showed that it had been there.
  if (name === 'lost') {
    return `${counted(count, 'element')} gone, first missed by ${counted(wrong.size, 'read')}`;
  }
  return counted(wrong.size, 'wrong answer');
}

function whereAndWhen(answers: readonly Operation[]): string {
  const members = membersOf(answers);
  const where = members.length === 0 ? '' : ` at ${joined(members)}`;
  const asked = answers.filter((each) => !isNote(each)).map(({ startUs }) => startUs);
  if (asked.length === 0) return where;
  const from = asked.reduce((a, b) => Math.min(a, b));
  const to = asked.reduce((a, b) => Math.max(a, b));
  const when =
    from === to ? ` at ${formatTime(from)}` : ` from ${formatTime(from)} to ${formatTime(to)}`;
  return `${where},${when}`;
}

/** The largest step back from a revision that was confirmed to one that was answered later. */
function furthestBack(history: History, verdicts: readonly JudgedVerdict[]): readonly string[] {
  const cases = verdicts
    .filter(({ checker }) => checker === 'acknowledged')
    .flatMap((verdict) => verdict.cases ?? verdict.anomalies);
  let furthest = { from: 0, to: 0 };
  for (const { operations } of cases) {
    const [from, to] = operations.map((index) => {
      const operation = history.operations[index];
      return operation === undefined ? undefined : answerOf(operation)?.revision;
    });
    if (from === undefined || to === undefined) continue;
    if (from - to > furthest.from - furthest.to) furthest = { from, to };
  }
  const { from, to } = furthest;
  return from > to
    ? [`Furthest back: revision ${from} had been confirmed, and revision ${to} was answered.`]
    : [];
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
