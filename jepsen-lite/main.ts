import { join } from 'node:path';
import { etcdDb } from './db/etcd.ts';
import { quorateDb } from './db/quorate.ts';
import type { Db } from './db/types.ts';
import { loadHistory } from './history-file.ts';
import { judge, type Judgement } from './judge.ts';
import { nemeses } from './nemesis/index.ts';
import { named, parseOptions, usage, type JepsenOptions } from './options.ts';
import { Progress } from './progress.ts';
import { writeReport } from './report/write.ts';
import { removeData, runTest, writeHarnessError, type TestSettings } from './run.ts';
import { workloads } from './workloads/index.ts';

/**
 * Real processes of the built program, a proxy on every link, clients that never retry, and checkers.
 *
 *   npm run jepsen -- --workload register --nemesis kill --time 60 --seed 7
 */

export interface Tally {
  passed: number;
  failed: number;
  /** Tests that the harness itself could not do. */
  broken: number;
}

const exitFailed = 1;
const exitBroken = 2;

async function main(options: JepsenOptions): Promise<number> {
  switch (options.mode) {
    case 'list':
      list();
      return 0;
    case 'check':
      return summed(tallyOf(checkAgain(options.check ?? '')));
    case 'test':
      return summed(await testOnce(options));
    case 'matrix':
      return exitBroken;
  }
}

function list(): void {
  console.log('workloads:');
  for (const { name, checkers } of workloads) {
    console.log(`  ${name.padEnd(18)} judged by ${checkers.map((each) => each.name).join(', ')}`);
  }
  console.log('nemeses:');
  for (const { name, about, targets } of nemeses) {
    const only = targets.includes('etcd') ? '' : ' (not at etcd)';
    console.log(`  ${name.padEnd(18)} ${about}${only}`);
  }
}

function dbOf({ target }: JepsenOptions): Db {
  return target === 'etcd' ? etcdDb : quorateDb;
}

async function testOnce(options: JepsenOptions): Promise<Tally> {
  const db = dbOf(options);
  if (!(await db.prepare())) return { passed: 0, failed: 0, broken: 1 };
  return test({
    workload: named('workload', workloads, options.workload),
    nemesis: named('nemesis', nemeses, options.nemesis),
    db,
    members: options.members,
    seconds: options.seconds,
    seed: options.seed,
    folder: folderOf(options),
    portBase: options.portBase,
    keepsData: options.keepsData,
  });
}

function folderOf(options: JepsenOptions): string {
  const when = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const { target, workload = '', nemesis = '', seed } = options;
  return join(options.out, `${when}-${target}-${workload}-${nemesis}-${seed}`);
}

/** One test, its report, and what it says on the terminal. */
async function test(settings: TestSettings): Promise<Tally> {
  const { workload, nemesis, seed, folder } = settings;
  const progress = new Progress(`${workload.name} under ${nemesis.name}, seed ${seed}`);
  try {
    const run = await runTest(settings, (stage) => progress.show(stage));
    progress.show({ what: 'judging', operations: run.history.operations.length, faults: [] });
    const judgement = judge(run, workload.checkers);
    writeReport(folder, run, judgement);
    if (judgement.result === 'passed') removeData(settings);
    progress.end();
    say(judgement, folder);
    if (nemesis.mustFail === true) return tallyOfMustFail(judgement);
    return tallyOf(judgement);
  } catch (error) {
    progress.end();
    writeHarnessError(folder, error);
    console.log(`BROKEN: the harness failed, which says nothing of the store; see ${folder}`);
    console.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { passed: 0, failed: 0, broken: 1 };
  }
}

function checkAgain(folder: string): Judgement {
  const run = loadHistory(join(folder, 'history.ndjson'));
  const judgement = judge(run, named('workload', workloads, run.history.workload).checkers);
  writeReport(folder, run, judgement);
  say(judgement, folder);
  return judgement;
}

function say({ result, verdicts }: Judgement, folder: string): void {
  for (const { checker, result: each, anomalies, counts } of verdicts) {
    const numbers = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    console.log(`  ${each.padEnd(8)}${checker} (${numbers.join(', ')})`);
    for (const { name, what } of anomalies.slice(0, 3)) console.log(`           ${name}: ${what}`);
  }
  console.log(`${result}: ${join(folder, 'timeline.html')}`);
}

function tallyOf({ result }: Judgement): Tally {
  const passed = result === 'passed' ? 1 : 0;
  return { passed, failed: 1 - passed, broken: 0 };
}

/** Where the world is one in which no store can be right, to have found that is to pass. */
function tallyOfMustFail({ result }: Judgement): Tally {
  const passed = result === 'failed' ? 1 : 0;
  console.log(passed === 1 ? 'found, as it had to be' : 'NOT FOUND: the harness is blind to it');
  return { passed, failed: 1 - passed, broken: 0 };
}

function summed({ passed, failed, broken }: Tally): number {
  console.log(`${passed} passed, ${failed + broken} failed`);
  if (broken > 0) return exitBroken;
  return failed > 0 ? exitFailed : 0;
}

try {
  process.exitCode = await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.error(usage);
  process.exitCode = exitBroken;
}
