import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureEtcd } from '../interop/toolchain.ts';
import { isInMemory } from '../members/loopback.ts';
import { ensureBenchmarkTool, toolExperiments } from './benchmark-tool.ts';
import { experiments } from './experiments.ts';
import type { Experiment } from './experiment.ts';
import { measureGrowth } from './growth.ts';
import { ensureLoadProgram } from './load.ts';
import { parseOptions, usage, type BenchOptions } from './options.ts';
import { formatDuration } from './progress.ts';
import { ratioPicture } from './ratio-picture.ts';
import { circumstancesOf, fileNameOf, markdownOf, resultBody, saveReport } from './report.ts';
import { resultsOf } from './results.ts';
import { rows, toolRows, type Row } from './rows.ts';
import { durationMsOf, planOf, runPlan } from './run.ts';
import { describeGoal, formatTable } from './table.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * A real etcd and this store on this machine, measured in turn with one load generator: `npm run bench`.
 *
 * Exit code 0 when all was measured, 1 when something was not, 2 for a wrong argument. Goals that are not reached
 * are told in the table, not by the exit code: one run on one machine does not decide them.
 */

async function main(options: BenchOptions): Promise<number> {
  if (options.mode === 'list') {
    console.log(listOf(options));
    return 0;
  }
  if (options.dir !== undefined) {
    mkdirSync(options.dir, { recursive: true });
    if (isInMemory(options.dir)) throw new Error(`--dir: ${options.dir} is no real disk`);
  }
  await ensureLoadProgram();
  if (options.systems.includes('etcd') && !(await ensureEtcd())) return 1;
  if (options.mode === 'growth') return measureGrowth(options);
  if (options.mode === 'benchmark-tool') {
    await ensureBenchmarkTool();
    return measureCells(options, toolKind);
  }
  return measureCells(options, ownKind);
}

/** One kind of run: which experiments, shown as which rows. */
interface Kind {
  readonly title: string;
  readonly fileSuffix: string;
  readonly experiments: readonly Experiment[];
  readonly rows: readonly Row[];
}

const ownKind: Kind = {
  title: 'quorate and etcd, side by side',
  fileSuffix: '',
  experiments,
  rows,
};

const toolKind: Kind = {
  title: "quorate and etcd by etcd's own benchmark",
  fileSuffix: '-benchmark-tool',
  experiments: toolExperiments,
  rows: toolRows,
};

async function measureCells(options: BenchOptions, kind: Kind): Promise<number> {
  const plan = planOf(kind.experiments.filter(chosenBy(options)), options);
  if (plan.length === 0) throw new Error(`nothing matches --only ${String(options.only)}`);
  const circumstances = circumstancesOf(options);
  const { settings, caveats } = circumstances;
  console.log(`${settings}: about ${formatDuration(durationMsOf(plan, options))}`);
  for (const caveat of caveats) console.log(caveat);
  const measurements = await runPlan(plan, options);
  const results = resultsOf(kind.rows, measurements);
  const body = resultBody(results);
  console.log(`\n${body.join('\n')}\n`);
  const markdown = markdownOf(kind.title, circumstances, body);
  const data = { circumstances, results, measurements };
  const name = `${fileNameOf(circumstances)}${kind.fileSuffix}`;
  console.log(`written to ${saveReport(options.out, name, markdown, data)}`);
  if (options.svg !== undefined) {
    const { date, machine } = circumstances;
    const subtitle = `${date.slice(0, 10)}, ${machine.replace(/, Linux .*/, '')}`;
    mkdirSync(dirname(options.svg), { recursive: true });
    writeFileSync(options.svg, ratioPicture(results, subtitle));
    console.log(`drawn to ${options.svg}`);
  }
  return measurements.some(({ notes }) => notes.some((note) => note.startsWith('failed'))) ? 1 : 0;
}

/** An experiment is chosen by its own name, or by the id or the words of a row that it measures. */
function chosenBy({ only }: BenchOptions): (experiment: Experiment) => boolean {
  if (only === undefined) return () => true;
  const isNamed = ({ id, work }: Row): boolean => only.test(id) || only.test(work);
  return ({ name }) =>
    only.test(name) || rows.some((row) => row.experiment === name && isNamed(row));
}

function listOf(options: BenchOptions): string {
  const chosen = experiments.filter(chosenBy(options));
  const lines = rows.flatMap((row) => {
    const experiment = chosen.find(({ name }) => name === row.experiment);
    if (experiment === undefined && (options.only !== undefined || row.experiment !== 'turns')) {
      return [];
    }
    const how = experiment?.how ?? 'by a meter in every member of quorate';
    return [[row.id, row.work, describeGoal(row), how]];
  });
  return formatTable(['row', 'work', 'goal', 'how it is measured'], lines, 4);
}

async function start(argv: readonly string[]): Promise<number> {
  if (hasToldUsage(usage, argv)) return 0;
  let options: BenchOptions;
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  return main(options);
}

process.exitCode = await start(process.argv.slice(2));
