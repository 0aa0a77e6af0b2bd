import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTrial, type Trial } from '../mutants/trial.ts';
import { root } from '../mutants/workshop.ts';
import { nextPart } from './choice.ts';
import { allParts } from './parts.ts';
import { repeatOf } from './repeat.ts';
import { commandLine, countLine, describeNight } from './report.ts';
import { loadState, saveState, seedsPerSlice } from './state.ts';
import type { Found, Night, Part, Slice, State } from './types.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * Runs the harnesses for hours, each for its share of the time, with seeds that were never run before.
 *
 *   npm run nightly -- --hours 8
 *
 * What has failed in an earlier night is run first, until it passes. A night that was interrupted goes on where it
 * was; `--new` begins another. Exit code 0 when nothing was found, 1 when something was, 2 for a wrong argument.
 */

const usage = `usage: npm run nightly -- [--hours H] [--only REGEX] [--out FOLDER] [--new]`;

interface Arguments {
  readonly hours: number;
  readonly parts: readonly Part[];
  readonly folder: string;
  readonly isNew: boolean;
}

function parse(argv: readonly string[]): Arguments {
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
  return { hours, parts, folder: values.out, isNew: values.new };
}

/** Runs one slice and keeps what came of it; the output of one that failed becomes a file. */
class NightRun {
  private readonly args: Arguments;
  private readonly state: State;
  readonly night: Night;

  constructor(args: Arguments) {
    this.args = args;
    this.state = loadState(args.folder);
    if (args.isNew) this.state.night = undefined;
    this.state.night ??= {
      folder: join(args.folder, new Date().toISOString().slice(0, 19).replaceAll(':', '')),
      hours: args.hours,
      elapsedSeconds: 0,
      results: [],
    };
    this.night = this.state.night;
    mkdirSync(this.night.folder, { recursive: true });
  }

  async run(): Promise<void> {
    const { results } = this.night;
    if (results.length > 0)
      console.log(`an interrupted night goes on after ${results.length} slices`);
    else await this.replayCorpus();
    for (;;) {
      const part = nextPart(this.args.parts, (name) => this.secondsOf(name), this.leftSeconds);
      if (part === undefined) break;
      await this.runSlice(part);
    }
    this.state.night = undefined;
    this.save();
  }

  private get leftSeconds(): number {
    return this.night.hours * 3600 - this.night.elapsedSeconds;
  }

  /** In this night. */
  private secondsOf(name: string): number {
    let seconds = 0;
    for (const result of this.night.results) if (result.part === name) seconds += result.seconds;
    return seconds;
  }

  private async replayCorpus(): Promise<void> {
    const { corpus } = this.state;
    this.state.corpus = [];
    for (const found of corpus) {
      const part = this.args.parts.find(({ name }) => name === found.part);
      if (part === undefined) this.state.corpus.push(found);
      else await this.carryOut(part, found, found.seed, part.sliceSeconds);
    }
  }

  private async runSlice(part: Part): Promise<void> {
    const { state } = this;
    const number = state.slices[part.name] ?? 0;
    const seed = state.nextSeed;
    state.nextSeed += seedsPerSlice;
    state.slices[part.name] = number + 1;
    const seconds = Math.floor(Math.min(part.sliceSeconds, this.leftSeconds));
    await this.carryOut(part, part.slice({ number, seed, seconds }), seed, seconds);
  }

  private async carryOut(part: Part, slice: Slice, seed: number, seconds: number): Promise<void> {
    const { night, state } = this;
    const { what, argv, env = {} } = slice;
    const { name } = part;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}, ${what}`);
    const trial = await runTrial(root, { argv, env }, seconds);
    const isPassed = trial.end === 'silent';
    // One that ends at once, as for want of a toolchain, must not be all that the night runs.
    const charged = Math.max(trial.seconds, Math.min(seconds, chargedSecondsMin));
    night.elapsedSeconds += trial.seconds;
    const { told } = trial;
    const again = isPassed ? argv : repeatOf(trial.output, argv);
    const ran = { part: name, what, command: commandLine(again, env), seed };
    night.results.push({ ...ran, seconds: charged, isPassed, told });
    state.seconds[name] = (state.seconds[name] ?? 0) + trial.seconds;
    if (!isPassed) this.keepFailure({ part: name, what, argv: again, env, seed }, trial);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const took = `${trial.seconds.toFixed(0)} s`;
    console.log(`${isPassed ? '✔' : '✘'} ${name}, ${what}: ${took}, ${trial.told}`);
    this.save();
  }

  private keepFailure(found: Omit<Found, 'sinceNight'>, { output }: Trial): void {
    const { night, state } = this;
    const number = String(night.results.length).padStart(4, '0');
    const file = `${number}-${found.part.replaceAll(/\W/g, '-')}.log`;
    writeFileSync(join(night.folder, file), output);
    if (state.corpus.length < corpusMax) state.corpus.push({ ...found, sinceNight: night.folder });
  }

  private save(): void {
    saveState(this.args.folder, this.state);
    writeFileSync(join(this.night.folder, 'record.md'), describeNight(this.night));
  }
}

const chargedSecondsMin = 10;
/** Failures that are kept to be run again. */
const corpusMax = 200;

async function main(args: Arguments): Promise<number> {
  const run = new NightRun(args);
  await run.run();
  console.log(`\n${describeNight(run.night)}\n${run.night.folder}/record.md`);
  console.log(countLine(run.night));
  return run.night.results.every(({ isPassed }) => isPassed) ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  const argv = process.argv.slice(2);
  if (!hasToldUsage(usage, argv)) process.exitCode = await main(parse(argv));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.error(usage);
  process.exitCode = 2;
}
