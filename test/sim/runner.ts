import { checkEnd, healAll, healMajority } from './healing.ts';
import { perform } from './perform.ts';
import { scheduleOf, type SimSchedule } from './schedule.ts';
import type { Invariant, Probes } from './types.ts';
import type { Trace } from './trace.ts';
import { SimWorld } from './world.ts';

/** Runs a schedule from its beginning to its end. */

export interface SimFailure {
  /** The same for runs that fail in the same way, as far as text can tell. */
  readonly message: string;
  readonly stack: string;
  /** The last lines of the trace. */
  readonly trace: readonly string[];
}

export interface SimResult {
  readonly seed: number;
  readonly steps: number;
  /** Messages delivered, disk operations ended, timers fired. */
  readonly events: number;
  readonly virtualMs: number;
  /** The same for every run of the same schedule. */
  readonly traceHash: string;
  /** What clients did, in a line. */
  readonly summary: string;
  readonly failure?: SimFailure;
}

export interface RunOptions {
  /** Makes what looks after every event. */
  readonly createInvariants?: (probes: Probes) => readonly Invariant[];
  readonly probes?: Probes;
  /** Gets every line of the trace. */
  readonly print?: ((line: string) => void) | undefined;
}

const traceLines = 200;
/** A run of so many events is one that does not end. */
const eventsMax = 20_000_000;

export function runSeed(seed: number, options: RunOptions = {}): Promise<SimResult> {
  return runSchedule(scheduleOf(seed), options);
}

export async function runSchedule(
  schedule: SimSchedule,
  options: RunOptions = {},
): Promise<SimResult> {
  const { probes = silentProbes, print, createInvariants } = options;
  const invariants = createInvariants?.(probes) ?? [];
  const world = await SimWorld.create(schedule, { invariants, probes, print });
  let thrown: unknown;
  try {
    await runSteps(world, schedule);
    if (schedule.settings.healsMajorityFirst) await healMajority(world);
    await healAll(world);
    checkEnd(world);
  } catch (error) {
    thrown = error ?? new Error('something undefined was thrown');
  }
  const { judge } = world;
  const result = {
    seed: schedule.settings.seed,
    steps: schedule.steps.length,
    events: judge.events,
    virtualMs: Math.round(world.nowMs),
    traceHash: judge.trace.hash,
    summary: summaryOf(world),
  };
  if (thrown === undefined) return result;
  return { ...result, failure: failureOf(thrown, judge.trace) };
}

async function runSteps(world: SimWorld, { settings, steps }: SimSchedule): Promise<void> {
  const { agenda } = world;
  let at = 0;
  for (;;) {
    const step = steps[at];
    const stepMs = step?.atMs ?? settings.durationMs;
    const dueMs = Math.min(stepMs, agenda.nextMs);
    world.advance(Math.max(0, dueMs - world.nowMs));
    if (world.judge.events > eventsMax) throw new Error(`more than ${eventsMax} events`);
    if (agenda.nextMs <= stepMs) await agenda.runNext();
    else if (step === undefined) return;
    else {
      await perform(world, step);
      at++;
    }
    world.checkEnds();
  }
}

function summaryOf({ clients, watchers, leases, members }: SimWorld): string {
  return [clients.history, watchers, leases, members].map(({ summary }) => summary).join('; ');
}

function failureOf(thrown: unknown, trace: Trace): SimFailure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const message = trace.named(error.message);
  return { message, stack: trace.named(error.stack ?? message), trace: trace.tail(traceLines) };
}

const silentProbes: Probes = { sometimes: () => undefined };
