import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOptions, SimFailure, SimResult } from './runner.ts';
import { runSchedule } from './runner.ts';
import { shortened } from './promises.ts';
import type { SimSchedule } from './schedule.ts';
import { describeSchedule, shrink } from './shrink.ts';
import { describeStep } from './steps.ts';

/** What is done about a run that failed: it is told, made shorter, and written down. */

export interface FailureOptions {
  readonly run: RunOptions;
  readonly shrinkMs: number;
  readonly outDir: string;
  readonly print: (line: string) => void;
}

/** Of a shrunk schedule, or of the whole one when nothing shorter fails. */
export interface KeptFailure {
  readonly schedule: SimSchedule;
  readonly folder: string;
}

export async function keepFailure(
  failed: { readonly schedule: SimSchedule; readonly result: SimResult },
  options: FailureOptions,
): Promise<KeptFailure> {
  const { print, run, shrinkMs, outDir } = options;
  const { seed, failure } = failed.result;
  if (failure === undefined) throw new Error(`seed ${seed} has not failed`);
  const untilMs = Date.now() + shrinkMs;
  let shortest = failed.result;
  const schedule = await shrink(
    failed.schedule,
    async (candidate) => {
      const result = await runSchedule(candidate, run);
      const isSame = result.failure !== undefined && areAlike(result.failure, failure);
      if (isSame) shortest = result;
      return isSame;
    },
    () => Date.now() < untilMs,
  );
  const folder = join(outDir, String(seed));
  const last = shortest.failure ?? failure;
  const steps = describeSchedule(schedule, describeStep);
  mkdirSync(folder, { recursive: true });
  const all = [...steps, '', lastTitle, ...last.trace, '', last.stack];
  writeFileSync(join(folder, 'trace.txt'), `${all.join('\n')}\n`);
  writeFileSync(join(folder, 'schedule.json'), `${JSON.stringify(schedule, undefined, 1)}\n`);
  for (const line of reportOf(last, steps)) print(line);
  const [first = '', second = ''] = failure.message.split('\n');
  print(`seed ${seed} fails: ${shortened([first, second.trim()].join(' ').trim())}`);
  print(
    `${failed.schedule.steps.length} steps became ${schedule.steps.length}; all of the trace, and the schedule: ${folder}`,
  );
  print(`the short one again: npm run sim -- --schedule ${join(folder, 'schedule.json')}`);
  print(`again: npm run sim -- --seed ${seed}`);
  return { schedule, folder };
}

const lastTitle = 'the last that happened (virtual milliseconds, member, what):';

/** For somebody who does not know the code: what was promised, what happened, what was done, what led there. */
export function reportOf(failure: SimFailure, steps: readonly string[]): readonly string[] {
  const told = relevant(failure).slice(-toldLinesMax);
  return [
    '',
    'what does not hold (the properties are explained in test/sim/invariants/README.md):',
    ...failure.message
      .split('\n')
      .slice(0, messageLinesMax)
      .map((line) => `  ${line}`),
    '',
    ...steps.slice(0, 1 + stepLinesMax),
    ...(steps.length > 1 + stepLinesMax
      ? [`     ... ${steps.length - 1 - stepLinesMax} more`]
      : []),
    '',
    'the last that happened to those concerned (virtual milliseconds, member, what):',
    ...told,
    '',
  ];
}

const messageLinesMax = 15;
const stepLinesMax = 40;
const toldLinesMax = 40;

/** Lines of the members, keys and leases that the message names, and the turns of the world: elections, starts, faults. */
function relevant({ message, trace }: SimFailure): readonly string[] {
  const names = new Set(message.match(/\b[mn]\d+\b/g));
  const things = message.match(/\b(?:r\d|u\d+|[xl]\/[\d/]+|lease \d+)\b/g) ?? [];
  return trace.filter((line) => {
    const [, name = '', what = ''] = /^ *[\d.]+ (\S+) +(.*)$/.exec(line) ?? [];
    if (name === 'world' || turns.test(what)) return true;
    if (things.some((thing) => what.includes(thing))) return true;
    return names.size === 0 ? things.length === 0 : names.has(name) && !what.startsWith('is asked');
  });
}

const turns = /^(?:leads|enters term|starts|ends|refuses|must not|stops|goes on)/;

/** Numbers, names and ids change as steps are left out; what is wrong does not. */
export function areAlike(a: SimFailure, b: SimFailure): boolean {
  return essenceOf(a) === essenceOf(b);
}

function essenceOf({ message }: SimFailure): string {
  const [line = ''] = message.split('\n');
  return line.replace(/\b[0-9a-f]*\d[0-9a-f]*\b/g, '#').replace(/\b[mn]#/g, '#');
}
