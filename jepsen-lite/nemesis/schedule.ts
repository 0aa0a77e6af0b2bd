import { setTimeout as sleep } from 'node:timers/promises';
import type { NemesisEvent } from '../types.ts';
import { between, oneOf, type Nemesis, type Underway, type World } from './types.ts';

export interface ScheduleOptions {
  readonly world: World;
  readonly nowUs: () => number;
  readonly onEvent: (event: NemesisEvent) => void;
  /** For the progress line. */
  readonly onChange: (underway: readonly string[]) => void;
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
  const underway = new Set<Promise<void>>();
  const names = new Set<string>();
  const failures: unknown[] = [];
  await pause(timing.firstQuietMs, options.signal);
  while (!options.signal.aborted && failures.length === 0) {
    const fault = oneOf(options.world.random, nemesis.faults);
    const startUs = options.nowUs();
    const begun = await fault.begin(options.world);
    if (begun !== undefined) {
      names.add(begun.what);
      options.onChange([...names]);
      const done = held(begun, startUs, options)
        .catch((error: unknown) => failures.push(error))
        .then(() => {
          names.delete(begun.what);
          underway.delete(done);
          options.onChange([...names]);
        });
      underway.add(done);
    }
    while (underway.size >= nemesis.atOnceMax) await Promise.race(underway);
    // Mostly clients get something done before the next fault; sometimes it comes in the middle of an election.
    const isHasty = options.world.random.below(3) === 0;
    if (underway.size === 0 && !isHasty) await settled(options);
    const [least, most] = nemesis.atOnceMax > 1 ? timing.crowdedQuietMs : timing.quietMs;
    await pause(between(options.world.random, least, most), options.signal);
  }
  await Promise.all(underway);
  if (failures.length > 0) throw failures[0];
}

async function settled({ world, signal }: ScheduleOptions): Promise<void> {
  const deadlineMs = performance.now() + settledTimeoutMs;
  while (!signal.aborted && performance.now() < deadlineMs) {
    if ((await world.cluster.leader()) !== undefined) return;
    await pause(settledPollMs, signal);
  }
}

async function held(fault: Underway, startUs: number, options: ScheduleOptions): Promise<void> {
  await pause(fault.holdMs, options.signal);
  await fault.end();
  const { what, members } = fault;
  options.onEvent({ startUs, endUs: options.nowUs(), what, members });
}

/** Returns early when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
