import { join } from 'node:path';
import { seededRandom, type Random } from '../src/base/random.ts';
import { hasToldUsage } from '../test/usage.ts';
import { etcdDb } from './db/etcd.ts';
import { quorateDb } from './db/quorate.ts';
import type { Db } from './db/types.ts';
import { loadHistory } from './history-file.ts';
import { judge, slownessIn, type Judgement } from './judge.ts';
import { roundOf, type Cell } from './matrix.ts';
import { nemeses } from './nemesis/index.ts';
import { named, parseOptions, usage, type JepsenOptions } from './options.ts';
import { Progress } from './progress.ts';
import { writeReport } from './report/write.ts';
import { removeData, runTest, writeHarnessError, type TestSettings } from './run.ts';
import { added, nothing, say, summed, tallyOf, tallyOfMustFail, type Tally } from './terminal.ts';
import { workloads } from './workloads/index.ts';

/**
 * Real processes of the built program, a proxy on every link, clients that never retry, and checkers.
 *
 *   npm run jepsen -- --workload register --nemesis kill --time 60 --seed 7
 */

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
      return summed(await matrix(options));
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
  const workload = named('workload', workloads, options.workload);
  const nemesis = named('nemesis', nemeses, options.nemesis);
  const db = dbOf(options);
  if (!nemesis.targets.includes(db.target)) {
    throw new Error(`${nemesis.name} is nothing for ${db.target}: it works through the C library`);
  }
  if (!(await db.prepare())) return { ...nothing, broken: 1 };
  return test(settingsOf(options, { workload, nemesis }, options.seed));
}

/** Cell after cell until the time is over; each has a seed of its own, by which it can be run alone. */
async function matrix(options: JepsenOptions): Promise<Tally> {
  const db = dbOf(options);
  if (!(await db.prepare())) return { ...nothing, broken: 1 };
  const random = seededRandom(options.seed);
  const lists = {
    workloads: chosen(workloads, options.workload),
    nemeses: chosen(nemeses, options.nemesis),
  };
  const deadlineMs = performance.now() + options.seconds * 1_000;
  let tally = nothing;
  let longestMs = options.cellSeconds * 1_000;
  while (tally.broken < brokenMax) {
    const round = roundOf(random, db.target, lists);
    if (round.length === 0) throw new Error('no cell of the matrix fits');
    for (const cell of round) {
      const startedMs = performance.now();
      if (startedMs + longestMs > deadlineMs || tally.broken >= brokenMax) return tally;
      const inCell = { ...options, seconds: options.cellSeconds };
      const settings = settingsOf(inCell, cell, seedBelow(random));
      tally = added(tally, await test(settings));
      longestMs = Math.max(longestMs, performance.now() - startedMs);
    }
  }
  return tally;
}

/** A harness that fails again and again will go on so. */
const brokenMax = 5;
const seedMax = 2 ** 31 - 1;

const seedBelow = (random: Random): number => 1 + random.below(seedMax);

function chosen<T extends { readonly name: string }>(
  list: readonly T[],
  name: string | undefined,
): readonly T[] {
  return name === undefined ? list : list.filter((each) => each.name === name);
}

function settingsOf(options: JepsenOptions, cell: Cell, seed: number): TestSettings {
  const when = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const { target, out, members, seconds, portBase, keepsData } = options;
  const what = `${target}-${cell.workload.name}-${cell.nemesis.name}`;
  const folder = join(out, `${when}-${what}-${seed}`);
  const how = { members, seconds, seed, folder, portBase, keepsData, secondTry: undefined };
  return { ...cell, ...how, db: dbOf(options) };
}

/** In the second try every limit of time is so many times as long, and so is the test. */
const patience = 2;

/** One test, its report, and what it says on the terminal; once more where the first try says too little. */
async function test(settings: TestSettings): Promise<Tally> {
  const { nemesis, folder } = settings;
  try {
    const first = await judgedTest(settings);
    if (nemesis.mustFail === true) return tallyOfMustFail(first);
    const because = slownessIn(first);
    if (because === undefined) return tallyOf(first);
    console.log(`once more, with every limit of time ${patience} times as long: ${because}`);
    return tallyOf(
      await judgedTest({
        ...settings,
        seconds: settings.seconds * patience,
        folder: `${folder}-second-try`,
        secondTry: { patience, because },
      }),
    );
  } catch (error) {
    writeHarnessError(folder, error);
    console.log(`BROKEN: the harness failed, which says nothing of the store; see ${folder}`);
    console.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { ...nothing, broken: 1 };
  }
}

async function judgedTest(settings: TestSettings): Promise<Judgement> {
  const { workload, nemesis, seed, folder } = settings;
  const progress = new Progress(`${workload.name} under ${nemesis.name}, seed ${seed}`);
  try {
    const run = await runTest(settings, (stage) => progress.show(stage));
    progress.show({ what: 'judging', operations: run.history.operations.length, faults: [] });
    const judgement = judge(run, workload.checkers);
    writeReport(folder, run, judgement);
    if (judgement.result === 'passed') removeData(settings);
    progress.end();
    say(judgement, join(folder, 'timeline.html'));
    return judgement;
  } finally {
    progress.end();
  }
}

function checkAgain(folder: string): Judgement {
  const run = loadHistory(join(folder, 'history.ndjson'));
  const judgement = judge(run, named('workload', workloads, run.history.workload).checkers);
  writeReport(folder, run, judgement);
  say(judgement, join(folder, 'timeline.html'));
  return judgement;
}

try {
  const argv = process.argv.slice(2);
  if (!hasToldUsage(usage, argv)) process.exitCode = await main(parseOptions(argv));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.error(usage);
  process.exitCode = exitBroken;
}
