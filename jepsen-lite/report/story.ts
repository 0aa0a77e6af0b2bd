import { anyMember } from '../checkers/verdict.ts';
import { requestOf } from '../client/requests.ts';
import type { JudgedVerdict, Judgement } from '../judge.ts';
import type { Anomaly, History, NemesisEvent, Operation } from '../types.ts';
import { findingsOf, isNote, joined, keysOf, namedOf, wrongOf, type Finding } from './findings.ts';
import { describeLed, ledOf } from './leaders.ts';
import { noFacts, type RunFacts } from './member-logs.ts';
import { scaleOf } from './scale.ts';
import { formatTime, tellOperation } from './words.ts';

/** What went wrong, told to someone who has never seen the code: the first thing in every report of a failure. */

export interface Story {
  /** Which promise was broken, by what, when, where, and with which faults going on. */
  readonly sentences: readonly string[];
  /** The operations that show it and some of the same keys around them, by time. */
  readonly operations: readonly Operation[];
  /** Of these, the ones that show it. */
  readonly named: ReadonlySet<number>;
}

/** By the name of a finding, what the store promises. */
const promises: Readonly<Record<string, string>> = {
  lost: 'What a client was told is added stays there until somebody removes it.',
  'lost append': 'What a client was told is appended stays appended.',
  'lost write': 'What a client was told is written stays written.',
  'store went back': 'The store never goes back behind what it has answered.',
  'stale read': 'A read tells what was there when it was asked, or later, and nothing older.',
  'wrong read': 'A read tells what was there.',
  'wrong answer of a write': 'A write tells truly what it has changed.',
  'write into the past': 'A write comes behind everything that was answered before it began.',
  'revision reused': 'Each write has a revision of its own.',
  'not linearizable':
    'Whatever clients were told about a key could have happened in some order, each operation between its question and its answer.',
  'members disagree': 'All members tell the same story.',
  'members differ': 'All members hold the same data.',
  'unexpected exit': 'A member runs until it is told to stop.',
  'failure in the log': 'A member runs until it is told to stop.',
  'no service': 'When nothing is wrong any more, every member serves reads and writes again.',
  'late service': 'Within 5 s after nothing is wrong any more, every member serves again.',
  'slow stop': 'A member that is told to stop ends soon.',
  'early expiry': 'A lease lives as long as was promised when it was last kept alive.',
  'less than was promised': 'A lease lives as long as was promised when it was last kept alive.',
  'lease never ended': 'A lease that nobody keeps alive ends.',
  'token went back': 'Who gets a lock behind another has the greater token.',
  'lost update under the lock':
    'Of those who hold a lock, only one at a time can write under its token.',
  'fenced write of an old holder': 'Whoever has lost a lock cannot write under its token any more.',
  'leader went back': 'Who leads is told truly: nobody is who was followed by another one.',
  'wrong leader': 'Who leads is told with what it has said itself.',
  Starved: 'A watcher is told of everything, soon.',
  Reliable: 'A watcher is told of every change that it asked for.',
};

const aroundMax = 6;
const nearUs = 2_000_000;

/** Undefined: nothing was found that is not known. */
export function storyOf(
  history: History,
  judgement: Judgement,
  facts: RunFacts = noFacts,
): Story | undefined {
  const findings = findingsOf(history, judgement);
  const [first] = findings;
  if (first === undefined || first.verdict.expected !== undefined) return undefined;
  const { anomaly, verdict } = first;
  const shown = namedOf(history, anomaly);
  const named = new Set(shown.map(({ index }) => index));
  const moment = momentOf(history, anomaly);
  return {
    sentences: [
      promiseOf(anomaly, verdict),
      `This was broken: ${anomaly.what}`,
      ...saidBy(anomaly, findings),
      ...scaleOf(history, judgement.verdicts, findings),
      whenAndWhere(history, anomaly, moment),
      faultsAt(history, moment),
      ...leadersAt(history, moment, facts),
      whatElse(findings),
    ],
    operations: [...shown, ...around(history, anomaly, named)].sort(byTime),
    named,
  };
}

/** By time; what watchers were told, which has none, in the end. */
function byTime(a: Operation, b: Operation): number {
  return Number(isNote(a)) - Number(isNote(b)) || a.startUs - b.startUs;
}

/** What a member that ended by itself wrote of it. */
function saidBy({ name, members = [] }: Anomaly, found: readonly Finding[]): readonly string[] {
  if (name !== 'unexpected exit') return [];
  const line = found.find(
    ({ anomaly }) =>
      anomaly.name === 'failure in the log' &&
      anomaly.members?.some((each) => members.includes(each)),
  );
  return line === undefined ? [] : [`The reason that it gave: ${line.anomaly.what}`];
}

function promiseOf({ name }: Anomaly, { checker }: JudgedVerdict): string {
  return `The store promises: ${promises[name] ?? `what the checker "${checker}" looks for (${name}).`}`;
}

/** What was confirmed or written, what cannot be beside it, and the time between them. */
interface Moment {
  readonly promise: Operation | undefined;
  readonly wrong: Operation | undefined;
  readonly fromUs: number;
  readonly toUs: number;
}

/** Undefined: it was seen when all was over. */
function momentOf(history: History, anomaly: Anomaly): Moment | undefined {
  const { atUs } = anomaly;
  if (atUs !== undefined) {
    return { promise: undefined, wrong: undefined, fromUs: atUs, toUs: atUs };
  }
  const asked = namedOf(history, anomaly).filter((each) => !isNote(each));
  const wrong = wrongOf(history, anomaly);
  const promise = asked
    .filter(({ index, startUs }) => index !== wrong?.index && startUs <= (wrong?.startUs ?? 0))
    .reduce<Operation | undefined>((a, b) => (lastOf(a) >= lastOf(b) ? a : b), undefined);
  if (wrong !== undefined && !isNote(wrong)) {
    return {
      promise,
      wrong,
      fromUs: Math.min(lastOf(promise ?? wrong), wrong.startUs),
      toUs: lastOf(wrong),
    };
  }
  if (promise === undefined) return undefined;
  return { promise, wrong, fromUs: promise.startUs, toUs: lastOf(promise) };
}

function lastOf(operation: Operation | undefined): number {
  return operation === undefined ? 0 : (operation.endUs ?? operation.startUs);
}

function whenAndWhere(history: History, anomaly: Anomaly, moment: Moment | undefined): string {
  const all = `(${history.operations.length} operations in all; times are from the start of the test)`;
  if (moment === undefined) return 'It was seen when the members were looked at in the end.';
  const { promise, wrong, fromUs, toUs } = moment;
  if (wrong === undefined) {
    const { members = [] } = anomaly;
    const where = members.length === 0 ? '' : ` at ${joined([...members])}`;
    return `It happened at ${formatTime(toUs)}${where} ${all}.`;
  }
  if (isNote(wrong)) {
    const where =
      wrong.member === anyMember
        ? 'where the watcher was, and when it missed it, was not written down'
        : `the watcher was at ${wrong.member}`;
    const written = `It was written at ${promise?.member ?? '?'} between ${formatTime(fromUs)} and ${formatTime(toUs)}`;
    return `${written}; ${where} ${all}.`;
  }
  const said = `The wrong answer (#${wrong.index}) was asked of ${wrong.member} at ${formatTime(wrong.startUs)}`;
  const came = `${said} and came at ${formatTime(toUs)}`;
  if (promise === undefined) return `${came} ${all}.`;
  const confirmed = formatTime(lastOf(promise));
  return `${came}; what it contradicts (#${promise.index}) was confirmed by ${promise.member} at ${confirmed} ${all}.`;
}

/** Those in place between what was promised and the wrong answer; else the last one before. */
function faultsAt(history: History, moment: Moment | undefined): string {
  const { events } = history;
  if (events.length === 0) return 'No fault was in place in the whole test.';
  if (moment === undefined) return `The last fault was: ${describeFault(events.at(-1))}.`;
  const { fromUs, toUs, promise, wrong } = moment;
  const isBetween = promise !== undefined && wrong !== undefined && !isNote(wrong);
  const then = isBetween
    ? 'between the two'
    : promise === undefined
      ? 'then'
      : 'when it was written';
  const inPlace = events.filter(({ startUs, endUs }) => startUs <= toUs && endUs >= fromUs);
  if (inPlace.length > 0) {
    return `Faults in place ${then}: ${inPlace.map(describeFault).join('; ')}.`;
  }
  const before = events.filter(({ endUs }) => endUs < fromUs).at(-1);
  if (before === undefined) return 'There had been no fault by then.';
  const ago = formatTime(fromUs - before.endUs);
  return `No fault was in place ${then}; the last one had ended ${ago} before: ${describeFault(before)}.`;
}

function leadersAt(
  history: History,
  moment: Moment | undefined,
  facts: RunFacts,
): readonly string[] {
  if (moment === undefined) return [];
  const { fromUs, toUs, wrong } = moment;
  // Between promise and wrong answer may lie the whole test: what counts is who led when it was answered.
  const beganUs = wrong === undefined || isNote(wrong) ? fromUs : wrong.startUs;
  const told = describeLed(ledOf(history, facts), beganUs, toUs);
  return told === undefined ? [] : [told];
}

function describeFault(event: NemesisEvent | undefined): string {
  if (event === undefined) return 'none';
  const { what, startUs, endUs, nothing } = event;
  const came = nothing === undefined ? '' : `, which came to nothing (${nothing})`;
  return `${what} (${formatTime(startUs)} to ${formatTime(endUs)})${came}`;
}

function whatElse(findings: readonly Finding[]): string {
  if (findings.length === 1) return 'Nothing else was found.';
  const checkers = new Set(findings.map(({ verdict }) => verdict.checker));
  return `Below ${findings.length} findings are told, by ${[...checkers].join(', ')}; what several say of one answer is told once.`;
}

/** Operations on the key that it is about, from the promise on, nearest to the wrong answer; and the last read of it. */
function around(
  history: History,
  anomaly: Anomaly,
  named: ReadonlySet<number>,
): readonly Operation[] {
  const shown = namedOf(history, anomaly);
  const asked = shown.filter((each) => !isNote(each));
  const wrong = wrongOf(history, anomaly);
  const centre = wrong === undefined || isNote(wrong) ? asked.at(-1) : wrong;
  const key = keyOf(asked, anomaly.what);
  if (centre === undefined || key === undefined) return [];
  const fromUs = Math.min(...asked.map(({ startUs }) => startUs));
  const distance = ({ startUs }: Operation): number => Math.abs(centre.startUs - startUs);
  const others = history.operations.filter(
    (each) =>
      !named.has(each.index) && touches(each, key) && (each.endUs ?? each.startUs) >= fromUs,
  );
  const final = others.findLast(({ outcome, input }) => outcome === 'ok' && !isWriteOnly(input));
  const near = others
    .filter((each) => each !== final && distance(each) <= nearUs)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, aroundMax);
  return final === undefined ? near : [...near, final];
}

/** Of those that all have in common, the one that the finding speaks of, or the most narrow one. */
function keyOf(operations: readonly Operation[], what: string): string | undefined {
  const said = (key: string): number => Number(what.includes(`${key} `));
  const keys = [...new Set(operations.flatMap(keysOf))].sort(
    (a, b) => said(b) - said(a) || b.length - a.length,
  );
  return keys.find((key) => operations.every((each) => touches(each, key)));
}

function touches(operation: Operation, key: string): boolean {
  const request = requestOf(operation);
  return [...(request?.success ?? []), ...(request?.failure ?? [])].some((action) => {
    const end = action.op === 'put' ? undefined : action.end;
    return end === undefined ? action.key === key : action.key <= key && (key < end || end === '');
  });
}

function isWriteOnly(input: Operation['input']): boolean {
  return !JSON.stringify(input).includes('"op":"get"');
}

/** A line for each, those that show it marked. */
export function storyLines({ operations, named }: Story): readonly string[] {
  return operations.map((each) => `${named.has(each.index) ? '>' : ' '} ${tellOperation(each)}`);
}

/** What to type to judge the stored history again, and to run the same test. */
export function commandsOf(history: History, folder: string): readonly string[] {
  const { workload, nemesis, seed, target, operations } = history;
  const lastUs = operations.reduce((last, { startUs }) => Math.max(last, startUs), 0);
  const seconds = history.seconds ?? Math.max(1, Math.ceil(lastUs / 1e6));
  const at = target === 'etcd' ? ' --target etcd' : '';
  const test = `--workload ${workload} --nemesis ${nemesis} --time ${seconds} --seed ${seed}${at}`;
  return [`npm run jepsen -- --check ${folder}`, `npm run jepsen -- ${test}`];
}
