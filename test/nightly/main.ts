import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTrial } from '../mutants/trial.ts';
import { root } from '../mutants/workshop.ts';
import { hasToldUsage } from '../usage.ts';
import { NightRun, type NightOptions } from './night.ts';
import { allParts } from './parts.ts';
import { countLine, describeNight } from './report.ts';

/**
 * Runs the harnesses for hours, each for its share of the time, with seeds that were never run before.
 *
 *   npm run nightly -- --hours 8
 *
 * What has failed in an earlier night is run first, until it passes. A night that was interrupted goes on where it
 * was; `--new` begins another. Exit code 0 when nothing was found, 1 when something was, 2 for a wrong argument.
 */

const usage = `usage: npm run nightly -- [--hours H] [--only REGEX] [--out FOLDER] [--new]
  --hours H      of the whole night (8); each part gets its share, in ten minutes each gets a turn
  --only REGEX   parts whose names match: ${allParts.map(({ name }) => name).join(', ')}
  --out FOLDER   where the record and the logs of failures go (nightly-results)
  --new          begins another night where one was interrupted`;

function parse(argv: readonly string[]): NightOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      hours: { type: 'string', default: '8' },
      only: { type: 'string', default: '' },
      out: { type: 'string', default: join(root, 'nightly-results') },
      new: { type: 'boolean', default: false },
    },
  });
  const hours = Number(values.hours);
  if (!(hours > 0)) throw new Error(`--hours: a number above 0 is expected, not ${values.hours}`);
  const only = new RegExp(values.only);
  const parts = allParts.filter(({ name }) => only.test(name));
  if (parts.length === 0) throw new Error(`--only: no part matches ${values.only}`);
  return {
    hours,
    parts,
    folder: values.out,
    isNew: values.new,
    run: (slice, seconds) => runTrial(root, slice, seconds),
    say: (line) => console.log(line),
  };
}

async function main(options: NightOptions): Promise<number> {
  const run = new NightRun(options);
  const hasPassed = await run.run();
  console.log(`\n${describeNight(run.night, options.parts)}\n${run.night.folder}/record.md`);
  console.log(countLine(run.night));
  return hasPassed ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const argv = process.argv.slice(2);
try {
  if (!hasToldUsage(usage, argv)) process.exitCode = await main(parse(argv));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.error(usage);
  process.exitCode = 2;
}
