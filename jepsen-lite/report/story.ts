import type { JudgedVerdict, Judgement } from '../judge.ts';
import type { Anomaly, History, NemesisEvent, Operation } from '../types.ts';
import { anyMember } from '../checkers/verdict.ts';
import { requestOf } from '../client/requests.ts';
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

/**
 * What these find is mostly the consequence of something that another one tells better: the search for an order says
 * that there is none, and the harness's own look at what came of it.
 */
const consequences = [
  'wgl',
  'acknowledged',
  'members stay up',
  'members agree',
  'service comes back',
];
const namedMax = 8;
const aroundMax = 6;
const nearUs = 2_000_000;

/** Undefined: nothing was found. */
export function storyOf(history: History, { verdicts }: Judgement): Story | undefined {
  const found = verdicts
    .filter(({ expected }) => expected === undefined)
    .flatMap((verdict) => verdict.anomalies.map((anomaly) => ({ verdict, anomaly })));
  const first = firstOf(history, found);
  if (first === undefined) return undefined;
  const { anomaly, verdict } = first;
  const shown = operationsOf(history, anomaly);
  const named = new Set(shown.map(({ index }) => index));
  return {
    sentences: [
      promiseOf(anomaly, verdict),
      `This was broken: ${anomaly.what}`,
      ...saidBy(anomaly, found),
      whenAndWhere(history, anomaly, shown),
      faultsAt(history, momentOf(anomaly, shown)),
      whatElse(found.length, new Set(found.map((each) => each.verdict.checker))),
    ],
    operations: [...shown, ...around(history, shown, named)].sort((a, b) => a.startUs - b.startUs),
    named,
  };
}

interface Found {
  readonly verdict: JudgedVerdict;
  readonly anomaly: Anomaly;
}

/** What clients were told says more than that a member ended, and that more than that it did not serve. */
function firstOf(history: History, found: readonly Found[]): Found | undefined {
  const rank = ({ verdict, anomaly }: Found): number => {
    const place = consequences.indexOf(verdict.checker);
    return place < 0 && !isOfOneKey(history, anomaly) ? ofManyKeys : place;
  };
  return [...found].sort((a, b) => rank(a) - rank(b))[0];
}

/** Behind `wgl`, which tells of one key: two operations on different keys show nothing to the eye. */
const ofManyKeys = 0.5;

function isOfOneKey(history: History, anomaly: Anomaly): boolean {
  const [first = [], ...others] = operationsOf(history, anomaly)
    .map(keysOf)
    .filter((keys) => keys.length > 0);
  return first.length === 0 || first.some((key) => others.every((keys) => keys.includes(key)));
}

/** What a member that ended by itself wrote of it. */
function saidBy({ name, members = [] }: Anomaly, found: readonly Found[]): readonly string[] {
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

function operationsOf(history: History, anomaly: Anomaly): readonly Operation[] {
  return anomaly.operations.slice(0, namedMax).flatMap((index) => history.operations[index] ?? []);
}

function momentOf(
  { atUs }: Anomaly,
  shown: readonly Operation[],
): readonly [number, number] | undefined {
  if (atUs !== undefined) return [atUs, atUs];
  // What was heard without asking was written down in the end: it says nothing of when.
  const asked = shown.filter(({ startUs, endUs }) => endUs !== startUs);
  if (asked.length === 0) return undefined;
  const first = Math.min(...asked.map(({ startUs }) => startUs));
  return [first, Math.max(...asked.map(({ startUs, endUs }) => endUs ?? startUs))];
}

function whenAndWhere(history: History, anomaly: Anomaly, shown: readonly Operation[]): string {
  const moment = momentOf(anomaly, shown);
  if (moment === undefined) return 'It was seen when the members were looked at in the end.';
  const [from, to] = moment;
  const when =
    from === to ? `at ${formatTime(from)}` : `between ${formatTime(from)} and ${formatTime(to)}`;
  const members = new Set([...shown.map(({ member }) => member), ...(anomaly.members ?? [])]);
  members.delete(anyMember);
  const where = members.size === 0 ? '' : `, at ${[...members].sort().join(', ')}`;
  return `It happened ${when} after the start of the test${where} (${history.operations.length} operations in all).`;
}

/** Those in place then; else the last one before. */
function faultsAt(history: History, moment: readonly [number, number] | undefined): string {
  const { events } = history;
  if (events.length === 0) return 'No fault was in place in the whole test.';
  if (moment === undefined) return `The last fault was: ${describeFault(events.at(-1))}.`;
  const [from, to] = moment;
  const inPlace = events.filter(({ startUs, endUs }) => startUs <= to && endUs >= from);
  if (inPlace.length > 0) return `Faults in place then: ${inPlace.map(describeFault).join('; ')}.`;
  const before = events.filter(({ endUs }) => endUs < from).at(-1);
  if (before === undefined) return 'There had been no fault by then.';
  const ago = formatTime(from - before.endUs);
  return `No fault was in place then; the last one had ended ${ago} before: ${describeFault(before)}.`;
}

function describeFault(event: NemesisEvent | undefined): string {
  if (event === undefined) return 'none';
  const { what, startUs, endUs, nothing } = event;
  const came = nothing === undefined ? '' : `, which came to nothing (${nothing})`;
  return `${what} (${formatTime(startUs)} to ${formatTime(endUs)})${came}`;
}

function whatElse(count: number, checkers: ReadonlySet<string>): string {
  if (count === 1) return 'Nothing else was found.';
  return `In all ${count} things were found, by ${[...checkers].join(', ')}; they follow below.`;
}

/** Operations of the same keys, those that began nearest to one that shows it. */
function around(
  { operations }: History,
  shown: readonly Operation[],
  named: ReadonlySet<number>,
): readonly Operation[] {
  const keys = new Set(shown.flatMap(keysOf));
  if (keys.size === 0) return [];
  const distance = ({ startUs }: Operation): number =>
    Math.min(...shown.map((each) => Math.abs(each.startUs - startUs)));
  return operations
    .filter((each) => !named.has(each.index) && keysOf(each).some((key) => keys.has(key)))
    .map((operation) => ({ operation, us: distance(operation) }))
    .filter(({ us }) => us <= nearUs)
    .sort((a, b) => a.us - b.us)
    .slice(0, aroundMax)
    .map(({ operation }) => operation);
}

function keysOf(operation: Operation): readonly string[] {
  const request = requestOf(operation);
  if (request === undefined) return [];
  return [...request.success, ...(request.failure ?? [])].map(({ key }) => key);
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
