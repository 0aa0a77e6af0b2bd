import { setTimeout as sleep } from 'node:timers/promises';
import type { NemesisEvent, Recovery } from '../types.ts';
import { between, oneOf, type Nemesis, type Underway, type World } from './types.ts';

export interface ScheduleOptions {
  readonly world: World;
  readonly nowUs: () => number;
  readonly onEvent: (event: NemesisEvent) => void;
  /** For the progress line. */
  readonly onChange: (underway: readonly string[]) => void;
  /** Waits until all serve again; undefined: not all are there who could. */
  readonly serviceBack?: () => Promise<Recovery> | undefined;
  readonly signal: AbortSignal;
}

export interface ScheduleTiming {
  /** Clients get going before the first fault. */
  readonly firstQuietMs: number;
  /** From one fault to the next. */
  readonly quietMs: readonly [least: number, most: number];
  /** The same where several are under way at a time. */
  readonly crowdedQuietMs: readonly [least: number, most: number];
}

export const scheduleTiming: ScheduleTiming = {
  firstQuietMs: 1_000,
  quietMs: [300, 3_000],
  crowdedQuietMs: [200, 2_000],
};

/** How long a leader is waited for before the next fault. */
const settledTimeoutMs = 10_000;
const settledPollMs = 100;

/**
 * Begins and ends the faults of a nemesis until the signal is aborted; then ends those under way. What is drawn
 * comes from the seed in the same order each time; whom it meets (the leader) is as the cluster has it.
 */
export async function runSchedule(
  nemesis: Nemesis,
  options: ScheduleOptions,
  timing = scheduleTiming,
): Promise<void> {
  if (nemesis.faults.length === 0) {
    await pause(2 ** 31 - 1, options.signal);
    return;
  }
  const run = new Faults(nemesis, options);
  await pause(timing.firstQuietMs, options.signal);
  while (!options.signal.aborted && run.failures.length === 0) {
    await run.beginOne();
    await run.untilRoom();
    if (!run.isHasty && !run.isBusy) await settled(options);
    const [least, most] = nemesis.atOnceMax > 1 ? timing.crowdedQuietMs : timing.quietMs;
    await pause(between(options.world.random, least, most), options.signal);
  }
  await run.end();
  if (run.failures.length > 0) throw run.failures[0];
}

/** The faults of one schedule that are under way. */
class Faults {
  readonly failures: unknown[] = [];
  /** Mostly clients get something done before the next fault; sometimes it comes in the middle of an election. */
  isHasty = false;
  readonly #nemesis: Nemesis;
  readonly #options: ScheduleOptions;
  readonly #underway = new Set<Promise<void>>();
  readonly #names = new Set<string>();
  #service: Promise<void> | undefined;
  #isBeginning = false;

  constructor(nemesis: Nemesis, options: ScheduleOptions) {
    this.#nemesis = nemesis;
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#underway.size > 0;
  }

  async beginOne(): Promise<void> {
    const { world, nowUs } = this.#options;
    const fault = oneOf(world.random, this.#nemesis.faults);
    this.isHasty = world.random.below(3) === 0;
    await this.#service;
    const startUs = nowUs();
    this.#isBeginning = true;
    const begun = await fault.begin(world);
    this.#isBeginning = false;
    if (begun === undefined) return;
    this.#names.add(begun.what);
    this.#tell();
    const done = this.#held(begun, startUs)
      .catch((error: unknown) => void this.failures.push(error))
      .then(() => {
        this.#names.delete(begun.what);
        this.#underway.delete(done);
        this.#tell();
      });
    this.#underway.add(done);
  }

  /** Another may begin; none does while the service is watched that comes back. */
  async untilRoom(): Promise<void> {
    while (this.#underway.size >= this.#nemesis.atOnceMax) await Promise.race(this.#underway);
    await this.#service;
  }

  async end(): Promise<void> {
    await Promise.all(this.#underway);
  }

  async #held(fault: Underway, startUs: number): Promise<void> {
    const { nowUs, onEvent, signal } = this.#options;
    await pause(fault.holdMs, signal);
    const effect = (await fault.end()) ?? {};
    const endUs = nowUs();
    const service = await this.#serviceBack();
    const { what, members } = fault;
    const watched = service === undefined ? {} : { service };
    onEvent({ startUs, endUs, what, members, ...effect, ...watched });
  }

  /** Undefined: something else is wrong still, the next fault does not wait, or the time was over first. */
  async #serviceBack(): Promise<Recovery | undefined> {
    const { serviceBack, signal } = this.#options;
    if (this.#underway.size > 1 || this.#isBeginning) return undefined;
    if (this.isHasty || signal.aborted) return undefined;
    const watched = serviceBack?.();
    if (watched === undefined) return undefined;
    this.#service = watched.then(() => undefined);
    const service = await watched;
    this.#service = undefined;
    return signal.aborted ? undefined : service;
  }

  #tell(): void {
    this.#options.onChange([...this.#names]);
  }
}

async function settled({ world, signal }: ScheduleOptions): Promise<void> {
  const deadlineMs = performance.now() + settledTimeoutMs;
  while (!signal.aborted && performance.now() < deadlineMs) {
    if ((await world.cluster.leader()) !== undefined) return;
    await pause(settledPollMs, signal);
  }
}

/** Returns early when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
