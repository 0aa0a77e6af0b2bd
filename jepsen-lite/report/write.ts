import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredRun } from '../history-file.ts';
import type { Judgement } from '../judge.ts';
import { factsOf, type MemberLog } from './member-logs.ts';
import { timelinePage } from './timeline.ts';
import { verdictText } from './verdict-text.ts';

/** Writes verdict.json, verdict.txt, nemesis.json and timeline.html beside a history. */
export function writeReport(
  folder: string,
  { history, ending }: StoredRun,
  judgement: Judgement,
): void {
  const { workload, nemesis, seed, target, events } = history;
  const facts = factsOf(logsIn(folder));
  // Every case by its operations is long, and a checker finds them again.
  const verdicts = judgement.verdicts.map((each) => ({ ...each, cases: undefined }));
  const verdict = { workload, nemesis, seed, target, ...judgement, verdicts, ending };
  writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(verdict, undefined, 2)}\n`);
  writeFileSync(join(folder, 'verdict.txt'), verdictText(history, judgement, folder, facts));
  writeFileSync(join(folder, 'nemesis.json'), `${JSON.stringify(events, undefined, 2)}\n`);
  writeFileSync(join(folder, 'timeline.html'), timelinePage(history, judgement, folder, facts));
}

function logsIn(folder: string): readonly MemberLog[] {
  const logs = join(folder, 'logs');
  if (!existsSync(logs)) return [];
  const names = readdirSync(logs).filter((name) => name.endsWith('.log'));
  return names.sort().map((name) => ({
    member: name.replace(/\.log$/, ''),
    text: readFileSync(join(logs, name), 'utf8'),
  }));
}
