import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredRun } from '../history-file.ts';
import type { Judgement } from '../judge.ts';
import { timelinePage } from './timeline.ts';
import { verdictText } from './verdict-text.ts';

/** Writes verdict.json, verdict.txt, nemesis.json and timeline.html beside a history. */
export function writeReport(
  folder: string,
  { history, ending }: StoredRun,
  judgement: Judgement,
): void {
  const { workload, nemesis, seed, target, events } = history;
  // Every case by its operations is long, and a checker finds them again.
  const verdicts = judgement.verdicts.map((each) => ({ ...each, cases: undefined }));
  const verdict = { workload, nemesis, seed, target, ...judgement, verdicts, ending };
  writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(verdict, undefined, 2)}\n`);
  writeFileSync(join(folder, 'verdict.txt'), verdictText(history, judgement, folder));
  writeFileSync(join(folder, 'nemesis.json'), `${JSON.stringify(events, undefined, 2)}\n`);
  writeFileSync(join(folder, 'timeline.html'), timelinePage(history, judgement, folder));
}
