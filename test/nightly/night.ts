import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Trial } from '../mutants/trial.ts';
import { nextChoice, type Choice } from './choice.ts';
import { repeatOf } from './repeat.ts';
import { commandLine, describeNight } from './report.ts';
import { loadState, saveState, seedsPerSlice } from './state.ts';
import type { Found, Night, Part, Slice, State } from './types.ts';

export interface NightOptions {
  readonly hours: number;
  readonly parts: readonly Part[];
  readonly folder: string;
  /** Another night, though one was interrupted. */
  readonly isNew: boolean;
  /** Runs a command that should take so many seconds. */
  readonly run: (slice: Slice, seconds: number) => Promise<Trial>;
  readonly say: (line: string) => void;
}

/** What has failed before may take so much of a night, so that a long list does not take all of it. */
const replayShare = 0.5;
/** Of a night so long it is a failure that a rare state was never reached; of a shorter one it is only told. */
const probesSeconds = 1800;
/** One that ends at once, as for want of a toolchain, must not be all that the night runs. */
const chargedSecondsMin = 10;
/** Failures that are kept to be run again. */
const corpusMax = 200;

/** One night: slice after slice, each kept as soon as it has ended, so that an interruption costs one slice. */
export class NightRun {
  readonly night: Night;
  private readonly options: NightOptions;
  private readonly state: State;

  constructor(options: NightOptions) {
    this.options = options;
    this.state = loadState(options.folder);
    if (options.isNew) this.state.night = undefined;
    this.state.night ??= {
      folder: newFolder(options.folder),
      hours: options.hours,
      elapsedSeconds: 0,
      results: [],
    };
    this.night = this.state.night;
    mkdirSync(this.night.folder, { recursive: true });
  }

  /** Whether nothing was found. */
  async run(): Promise<boolean> {
    const { night, state } = this;
    const { hours, results } = night;
    if (results.length > 0)
      this.options.say(`a night of ${hours} hours goes on after ${results.length} slices`);
    this.save();
    await this.replayCorpus();
    for (let choice = this.next(); choice !== undefined; choice = this.next()) {
      await this.runSlice(choice);
    }
    state.night = undefined;
    this.save();
    const hasSilent = (night.silent?.length ?? 0) > 0 && this.toldSeconds() >= probesSeconds;
    return !hasSilent && results.every(({ isPassed }) => isPassed);
  }

  private next(): Choice | undefined {
    const { night, state, options } = this;
    const nightSeconds = night.hours * 3600;
    return nextChoice({
      parts: options.parts,
      nightSeconds,
      leftSeconds: nightSeconds - night.elapsedSeconds,
      had: (name) => this.secondsOf(name),
      hadEver: (name) => state.seconds[name] ?? 0,
    });
  }

  /** In this night. */
  private secondsOf(name: string): number | undefined {
    const results = this.night.results.filter(({ part }) => part === name);
    if (results.length === 0) return undefined;
    return results.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Of the parts that tell which rare states they have never reached. */
  private toldSeconds(): number {
    const telling = this.options.parts.filter(({ silentIn }) => silentIn !== undefined);
    return telling.reduce((sum, { name }) => sum + (this.secondsOf(name) ?? 0), 0);
  }

  /** What has failed goes first, each once a night, also when the night was interrupted meanwhile. */
  private async replayCorpus(): Promise<void> {
    const { state, night, options } = this;
    const partOf = (found: Found): Part | undefined =>
      options.parts.find(({ name }) => name === found.part);
    const isDue = (found: Found): boolean =>
      found.triedIn !== night.folder && partOf(found) !== undefined;
    for (let found = state.corpus.find(isDue); found; found = state.corpus.find(isDue)) {
      const part = partOf(found);
      const replaySeconds = replayShare * night.hours * 3600;
      if (part === undefined || night.elapsedSeconds >= replaySeconds) return;
      await this.carryOut({ part, seconds: part.sliceSeconds }, found, found);
    }
  }

  private async runSlice(choice: Choice): Promise<void> {
    const { state } = this;
    const { part, seconds } = choice;
    const number = state.slices[part.name] ?? 0;
    const seed = state.nextSeed;
    state.nextSeed += seedsPerSlice;
    state.slices[part.name] = number + 1;
    await this.carryOut(choice, { ...part.slice({ number, seed, seconds }), seed });
  }

  /** `known` is what failed before, as it is in the corpus. */
  private async carryOut(
    { part, seconds }: Choice,
    slice: Slice & { readonly seed: number },
    known?: Found,
  ): Promise<void> {
    const { night, state } = this;
    const { what, argv, env = {}, seed } = slice;
    const { name } = part;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}, ${what}`);
    const trial = await this.options.run({ what, argv, env }, seconds);
    const isPassed = trial.end === 'silent';
    const charged = Math.max(trial.seconds, Math.min(seconds, chargedSecondsMin));
    night.elapsedSeconds += trial.seconds;
    const { told } = trial;
    const again = isPassed ? argv : repeatOf(trial.output, argv);
    const ran = { part: name, what, command: commandLine(again, env), seed };
    night.results.push({ ...ran, seconds: charged, isPassed, told });
    state.seconds[name] = (state.seconds[name] ?? 0) + trial.seconds;
    if (known !== undefined) state.corpus = state.corpus.filter((each) => each !== known);
    if (!isPassed) this.keepFailure({ part: name, what, argv: again, env, seed }, trial, known);
    else if (known === undefined) this.hearSilent(part, trial);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const took = `${trial.seconds.toFixed(0)} s`;
    this.options.say(`${isPassed ? '✔' : '✘'} ${name}, ${what}: ${took}, ${trial.told}`);
    this.save();
  }

  /** Silent in the whole night is what was silent in each slice. */
  private hearSilent(part: Part, { output }: Trial): void {
    const silent = part.silentIn?.(output);
    if (silent === undefined) return;
    this.night.silent = this.night.silent?.filter((each) => silent.includes(each)) ?? silent;
  }

  private keepFailure(
    found: Omit<Found, 'sinceNight'>,
    { output }: Trial,
    known: Found | undefined,
  ): void {
    const { night, state } = this;
    const number = String(night.results.length).padStart(4, '0');
    const file = `${number}-${found.part.replaceAll(/\W/g, '-')}.log`;
    writeFileSync(join(night.folder, file), output);
    if (state.corpus.length >= corpusMax) return;
    const sinceNight = known?.sinceNight ?? night.folder;
    state.corpus.push({ ...found, sinceNight, triedIn: night.folder });
  }

  private save(): void {
    const { options, night, state } = this;
    saveState(options.folder, state);
    writeFileSync(join(night.folder, 'record.md'), describeNight(night, options.parts));
  }
}

/** By the time; two nights never share one. */
function newFolder(parent: string): string {
  const path = join(parent, new Date().toISOString().slice(0, 19).replaceAll(':', ''));
  for (let number = 1; ; number++) {
    const free = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(free)) return free;
  }
}
