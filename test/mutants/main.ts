import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DoesNotApply } from './apply.ts';
import { allHarnesses, type Harness } from './harnesses.ts';
import { allMutants } from './list.ts';
import { describeRow, describeRows, hasPassed, type NamedTrial, type Row } from './report.ts';
import { formatTableFile, mergeRow, parseTableFile, tablePath } from './table.ts';
import { runTrial } from './trial.ts';
import type { Mutant } from './types.ts';
import { BuildFailed, isBuilt, root, Workshop } from './workshop.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * Plants bugs, one after the other, and shows which harness finds them.
 *
 *   npm run mutants -- --only 'read|vote' --harness sim,crash --budget 300
 *
 * The source as it is goes first, and every harness must pass on it. Exit code 0 when each mutant was caught, 1
 * when one was not, 2 for a wrong argument.
 */

interface Arguments {
  readonly mutants: readonly Mutant[];
  readonly harnesses: readonly Harness[];
  readonly budgetSeconds: number | undefined;
  readonly jobs: number;
  readonly isAll: boolean;
  readonly hasControl: boolean;
  readonly hasTable: boolean;
}

const usage = `usage: npm run mutants -- [--only REGEX] [--harness ${allHarnesses.map(({ name }) => name).join(',')}]
                     [--budget SECONDS] [--all] [--jobs N] [--no-control] [--table] [--list]

  --only REGEX      mutants whose names match
  --harness NAMES   these alone, in the order in which they stand above
  --budget SECONDS  for each harness, instead of its own
  --all             run all harnesses on each mutant, not only up to the first that finds it
  --jobs N          mutants at a time; what runs real processes is best run one at a time
  --no-control      do not run the harnesses on the source as it is
  --table           also put what was found into ${tablePath}
  --list            only say what would be planted`;

function parse(argv: readonly string[]): Arguments | 'list' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', default: '' },
      harness: { type: 'string', default: '' },
      budget: { type: 'string' },
      jobs: { type: 'string', default: '1' },
      all: { type: 'boolean', default: false },
      'no-control': { type: 'boolean', default: false },
      table: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const only = new RegExp(values.only);
  const mutants = allMutants.filter(({ name }) => only.test(name));
  if (mutants.length === 0) throw new Error(`--only: no mutant matches ${values.only}`);
  if (values.list) {
    for (const { name, breaks } of mutants) console.log(`${name}\n  ${breaks}`);
    return 'list';
  }
  return {
    mutants,
    harnesses: chosenHarnesses(values.harness),
    budgetSeconds: values.budget === undefined ? undefined : atLeastOne('budget', values.budget),
    jobs: atLeastOne('jobs', values.jobs),
    isAll: values.all,
    hasControl: !values['no-control'],
    hasTable: values.table,
  };
}

/** Those asked for must be there; by default those that are. */
function chosenHarnesses(list: string): readonly Harness[] {
  if (list === '') {
    const missing = allHarnesses.filter(({ entry }) => !isBuilt(entry));
    if (missing.length > 0) console.log(`not there: ${missing.map(({ name }) => name).join(', ')}`);
    return allHarnesses.filter((harness) => !missing.includes(harness));
  }
  const names = new Set(list.split(','));
  for (const name of names) {
    const harness = allHarnesses.find((each) => each.name === name);
    if (harness === undefined) throw new Error(`--harness: there is no harness ${name}`);
    if (!isBuilt(harness.entry)) throw new Error(`--harness: ${harness.entry} is not built`);
  }
  return allHarnesses.filter(({ name }) => names.has(name));
}

function atLeastOne(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name}: a whole number from 1 is expected, not ${text}`);
  }
  return value;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Runs the harnesses on one mutant, or on the source as it is. */
async function tryAll(
  args: Arguments,
  workshop: Workshop,
  mutant: Mutant | undefined,
): Promise<Row> {
  const name = mutant?.name ?? 'the source as it is';
  const isControl = mutant === undefined;
  const trials: NamedTrial[] = [];
  progress(`${name}: building`);
  try {
    workshop.plant(mutant);
  } catch (error) {
    if (!(error instanceof BuildFailed || error instanceof DoesNotApply)) throw error;
    return { name, isControl, trials, broken: error.message.split('\n', 1)[0] ?? '' };
  }
  for (const harness of args.harnesses) {
    const budgetSeconds = args.budgetSeconds ?? harness.budgetSeconds;
    progress(`${name}: ${harness.name}, ${budgetSeconds} s`);
    const command = harness.command(mutant, budgetSeconds);
    const trial = await runTrial(workshop.folder, command, budgetSeconds);
    trials.push({ harness: harness.name, ...trial });
    if (trial.end === 'caught' && !isControl && !args.isAll) break;
  }
  return { name, isControl, trials };
}

/** At once, so that a run which is cut off has not been in vain. */
function keepInTable(row: Row): void {
  const path = join(root, tablePath);
  const rows = existsSync(path) ? parseTableFile(readFileSync(path, 'utf8')) : [];
  const names = allMutants.map(({ name }) => name);
  const harnesses = allHarnesses.map(({ name }) => name);
  writeFileSync(path, formatTableFile(mergeRow(rows, row, names), harnesses, names));
}

async function main(args: Arguments): Promise<number> {
  const queue: (Mutant | undefined)[] = [...args.mutants];
  if (args.hasControl) queue.unshift(undefined);
  const rows: Row[] = [];
  const worker = async (): Promise<void> => {
    const workshop = Workshop.open();
    try {
      while (queue.length > 0) {
        const row = await tryAll(args, workshop, queue.shift());
        progress('');
        console.log(describeRow(row));
        if (args.hasTable && !row.isControl) keepInTable(row);
        rows.push(row);
      }
    } finally {
      workshop.close();
    }
  };
  const jobs = Math.min(args.jobs, queue.length);
  await Promise.all(Array.from({ length: jobs }, worker));
  console.log(`\n${describeRows(rows)}`);
  return rows.every(hasPassed) ? 0 : 1;
}

// What was started and copied is cleaned up on the way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

function argumentsOrUsage(): Arguments | 'list' | undefined {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.error(usage);
    return undefined;
  }
}

async function start(): Promise<number> {
  const args = argumentsOrUsage();
  if (args === undefined) return 2;
  return args === 'list' ? 0 : main(args);
}

if (!hasToldUsage(usage, process.argv.slice(2))) process.exitCode = await start();
