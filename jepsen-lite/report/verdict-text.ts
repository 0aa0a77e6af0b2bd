import type { Judgement, JudgedVerdict, RunResult } from '../judge.ts';
import type { Anomaly, History } from '../types.ts';
import { commandsOf, storyLines, storyOf } from './story.ts';
import { describeOperation, formatTime } from './words.ts';

/** verdict.txt: what was found, for someone who knows nothing of the code. */

const anomaliesShownMax = 20;
const operationsShownMax = 30;

export function headline(result: RunResult): string {
  switch (result) {
    case 'passed':
      return 'PASSED: nothing was found that the store must not do.';
    case 'failed':
      return 'FAILED: the store did something that it must not do.';
    case 'unknown':
      return 'UNKNOWN: nothing wrong was found, but not everything could be judged. This is no pass.';
  }
}

export function verdictText(history: History, judgement: Judgement, folder: string): string {
  const { result, verdicts } = judgement;
  const { workload, nemesis, seed, target, events } = history;
  const head = [
    headline(result),
    '',
    ...storyText(history, judgement, folder),
    `Workload ${workload}, nemesis ${nemesis}, seed ${seed}, target ${target}.`,
    '',
    'What was judged:',
    ...verdicts.map(describeVerdict),
  ];
  const wrong = verdicts.flatMap((verdict) => describeAnomalies(verdict, history));
  const schedule = events.map(
    ({ startUs, endUs, what, proof, nothing }) =>
      `  ${formatTime(startUs)} to ${formatTime(endUs)}  ${what} [${nothing ?? proof ?? 'not looked at'}]`,
  );
  const faults = ['', `What the nemesis did (${events.length}):`, ...schedule];
  return [...head, ...wrong, ...faults, ''].join('\n');
}

/** Told before anything else: what happened, what shows it, what to type. */
function storyText(history: History, judgement: Judgement, folder: string): readonly string[] {
  const story = storyOf(history, judgement);
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
  const found = anomalies.length === 0 ? '' : `, ${anomalies.length} found`;
  const known = expected === undefined ? '' : ` (expected: ${expected})`;
  const said = note === undefined ? '' : `\n           ${note}`;
  return `  ${result.padEnd(8)} ${checker}${found}${known} [${numbers.join(', ')}]${said}`;
}

function describeAnomalies(verdict: JudgedVerdict, history: History): readonly string[] {
  const shown = verdict.anomalies.slice(0, anomaliesShownMax);
  const left = verdict.anomalies.length - shown.length;
  const more =
    left > 0 ? ['', `... and ${left} more of ${verdict.checker}; all are in verdict.json`] : [];
  return [
    ...shown.flatMap((anomaly, i) =>
      describeAnomaly(`${verdict.checker}, ${i + 1}`, anomaly, history),
    ),
    ...more,
  ];
}

function describeAnomaly(title: string, anomaly: Anomaly, history: History): readonly string[] {
  const shown = anomaly.operations.slice(0, operationsShownMax);
  const left = anomaly.operations.length - shown.length;
  return [
    '',
    `${title}: ${anomaly.name}`,
    `  ${anomaly.what}`,
    ...shown.flatMap((index) => {
      const operation = history.operations[index];
      return operation === undefined ? [] : [`    ${describeOperation(operation)}`];
    }),
    ...(left > 0 ? [`    ... and ${left} more operations`] : []),
  ];
}
