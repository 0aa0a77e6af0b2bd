import type { Judgement, JudgedVerdict, RunResult } from '../judge.ts';
import { nemeses } from '../nemesis/index.ts';
import type { History } from '../types.ts';
import { findingsOf, type Finding } from './findings.ts';
import { describeRun } from './leaders.ts';
import { legend, whatWasDone } from './legend.ts';
import { noFacts, type RunFacts } from './member-logs.ts';
import { commandsOf, storyLines, storyOf } from './story.ts';
import { formatTime, tellOperation } from './words.ts';

/** verdict.txt: what was found, for someone who knows nothing of the code. */

const findingsShownMax = 20;
const operationsShownMax = 30;

export function headline(result: RunResult, nemesis: string): string {
  const mustFail = nemeses.find(({ name }) => name === nemesis)?.mustFail === true;
  switch (result) {
    case 'passed':
      if (mustFail)
        return 'PASSED, which this test must not: what its nemesis does is to be found.';
      return 'PASSED: nothing was found that the store must not do.';
    case 'failed':
      if (mustFail)
        return 'FAILED, as this test must: its nemesis breaks what any store relies on.';
      return 'FAILED: the store did something that it must not do.';
    case 'unknown':
      return 'UNKNOWN: nothing wrong was found, but not everything could be judged. This is no pass.';
  }
}

export function verdictText(
  history: History,
  judgement: Judgement,
  folder: string,
  facts: RunFacts = noFacts,
): string {
  const { result, verdicts } = judgement;
  const { workload, nemesis, seed, target, events } = history;
  const head = [
    headline(result, nemesis),
    '',
    ...storyText(history, judgement, { folder, facts }),
    `Workload ${workload}, nemesis ${nemesis}, seed ${seed}, target ${target}.`,
    ...whatWasDone(history),
    ...describeRun(history, facts),
    '',
    'What was judged:',
    ...verdicts.map(describeVerdict),
  ];
  const findings = findingsOf(history, judgement);
  const wrong = describeFindings(findings, history);
  const schedule = events.map(
    ({ startUs, endUs, what, proof, nothing }) =>
      `  ${formatTime(startUs)} to ${formatTime(endUs)}  ${what} [${nothing ?? proof ?? 'not looked at'}]`,
  );
  const faults = ['', `What the nemesis did (${events.length}):`, ...schedule];
  const words = legend.map(([word, meaning]) => `  ${word}: ${meaning}`);
  return [...head, ...wrong, ...faults, '', 'Words:', ...words, ''].join('\n');
}

/** How many there are, of which those beyond the limit of each kind are only counted. */
export function foundBy(counts: JudgedVerdict['counts'], told: number): string {
  const all = Object.entries(counts).filter(([name]) => name.startsWith('anomaly: '));
  const count = Math.max(
    told,
    all.reduce((sum, [, each]) => sum + each, 0),
  );
  return count === told ? `${count} found` : `${count} found, ${told} of them told`;
}

/** Told before anything else: what happened, what shows it, what to type. */
function storyText(
  history: History,
  judgement: Judgement,
  { folder, facts }: { readonly folder: string; readonly facts: RunFacts },
): readonly string[] {
  const story = storyOf(history, judgement, facts);
  if (story === undefined) return [];
  const lines = storyLines(story).map((line) => `  ${line}`);
  const shown =
    lines.length === 0 ? [] : ['', 'The operations that matter (> shows it):', ...lines];
  const [again, replay] = commandsOf(history, folder);
  return [
    ...story.sentences,
    ...shown,
    '',
    `To judge what is stored again:  ${again}`,
    `To run the same test again:     ${replay}`,
    '(A seed draws what is asked and what goes wrong; when exactly it happens is up to the machine.)',
    '',
  ];
}

function describeVerdict({
  checker,
  result,
  counts,
  anomalies,
  expected,
  note,
}: JudgedVerdict): string {
  const numbers = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  const found = anomalies.length === 0 ? '' : `, ${foundBy(counts, anomalies.length)}`;
  const known = expected === undefined ? '' : ` (expected: ${expected})`;
  const said = note === undefined ? '' : `\n           ${note}`;
  return `  ${result.padEnd(8)} ${checker}${found}${known} [${numbers.join(', ')}]${said}`;
}

function describeFindings(findings: readonly Finding[], history: History): readonly string[] {
  const shown = findings.slice(0, findingsShownMax);
  const left = findings.length - shown.length;
  return [
    ...shown.flatMap((finding, i) => describeFinding(i + 1, finding, history)),
    ...(left > 0 ? ['', `... and ${left} more; they are in verdict.json`] : []),
  ];
}

function describeFinding(
  number: number,
  { verdict, anomaly, alsoBy }: Finding,
  history: History,
): readonly string[] {
  const also = alsoBy.length === 0 ? '' : `, also found by ${alsoBy.join(', ')}`;
  const shown = anomaly.operations.slice(0, operationsShownMax);
  const left = anomaly.operations.length - shown.length;
  return [
    '',
    `${number}. ${verdict.checker}: ${anomaly.name}${also}`,
    `  ${anomaly.what}`,
    ...shown.flatMap((index) => {
      const operation = history.operations[index];
      return operation === undefined ? [] : [`    ${tellOperation(operation)}`];
    }),
    ...(left > 0 ? [`    ... and ${left} more operations`] : []),
  ];
}
