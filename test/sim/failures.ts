import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOptions, SimFailure, SimResult } from './runner.ts';
import { runSchedule } from './runner.ts';
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
  const lines = [
    ...describeSchedule(schedule, describeStep),
    '',
    'the last that happened (virtual milliseconds, member, what):',
    ...(shortest.failure?.trace ?? []),
    '',
    shortest.failure?.stack ?? '',
  ];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'trace.txt'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'schedule.json'), `${JSON.stringify(schedule, undefined, 1)}\n`);
  for (const line of lines) print(line);
  print('');
  print(`seed ${seed} fails: ${failure.message.split('\n')[0] ?? ''}`);
  print(
    `${failed.schedule.steps.length} steps became ${schedule.steps.length}; trace and schedule: ${folder}`,
  );
  print(`the short one again: npm run sim -- --schedule ${join(folder, 'schedule.json')}`);
  print(`again: npm run sim -- --seed ${seed}`);
  return { schedule, folder };
}

/** Numbers, names and ids change as steps are left out; what is wrong does not. */
export function areAlike(a: SimFailure, b: SimFailure): boolean {
  return essenceOf(a) === essenceOf(b);
}

function essenceOf({ message }: SimFailure): string {
  const [line = ''] = message.split('\n');
  return line.replace(/\b[0-9a-f]*\d[0-9a-f]*\b/g, '#').replace(/\b[mn]#/g, '#');
}
