import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment } from './experiment.ts';
import { outcomeOf } from './experiments-kv.ts';
import { startLoad } from './load.ts';
import { usageOf } from './proc.ts';
import type { Target } from './target.ts';

/** Watchers of one key, and many that wait for what does not come. */

const busyWatchers = 1_000;
/** As etcd's own `benchmark watch` spreads them. */
const busyShape = { connections: 10, streams: 1 };
const idleWatchersFull = 100_000;
const idleShape = { connections: 10, streams: 10 };
const putConnections = 64;
/** How long the watchers are held before the memory is read. */
const holdMs = 2_000;

/** With fewer keys than the full run has, as many watchers fewer. */
export const idleWatchers = (keys: number): number =>
  Math.min(idleWatchersFull, Math.max(1_000, Math.round(keys / 10)));

export const watchExperiments: readonly Experiment[] = [
  {
    name: 'watch-1000',
    group: 'replicated',
    how: '1,000 watchers on one key at the leader, Puts of it one after the other',
    runs: 1,
    besidesMs: () => 1_000,
    measure: async (target, { warmupMs, durationMs }) => {
      const endpoints = [(await target.leader()).target];
      const measured = await target.load({
        work: 'watch',
        endpoints,
        ...busyShape,
        watchers: busyWatchers,
        warmupMs,
        durationMs,
      });
      return outcomeOf(measured);
    },
  },
  {
    name: 'watch-idle',
    group: 'replicated',
    how: 'idle watchers of a key each at the leader, Puts elsewhere on 64 connections',
    runs: 1,
    besidesMs: () => 6_000,
    measure: async (target, { warmupMs, durationMs }) => {
      const bytesPerWatcher = await memoryPerWatcher(target);
      const endpoints = [(await target.leader()).target];
      const watchers = idleWatchers(target.settings.keys);
      const { figures, notes } = outcomeOf(
        await target.load({
          work: 'watch-idle',
          endpoints,
          watchers,
          ...idleShape,
          putConnections,
          warmupMs,
          durationMs,
        }),
      );
      if (bytesPerWatcher > 0) return { figures: { ...figures, bytesPerWatcher, watchers }, notes };
      const shrunk = `memory fell by ${-bytesPerWatcher} bytes a watcher: of no use as a figure`;
      return { figures: { ...figures, watchers }, notes: [...notes, shrunk] };
    },
  },
];

/**
 * Of the member that they are at: what its memory grows by, the Puts left out. Mapped files are, too: which of their pages
 * are resident has nothing to do with watchers.
 */
async function memoryPerWatcher(target: Target): Promise<number> {
  const leader = await target.leader();
  const watchers = idleWatchers(target.settings.keys);
  const anonymousBytes = (): number => usageOf(leader.pid ?? 0).anonymousBytes;
  const before = anonymousBytes();
  const run = startLoad({
    work: 'watch-idle',
    endpoints: [leader.target],
    ...target.keyOptions(),
    watchers,
    ...idleShape,
    putConnections: 0,
    warmupMs: 0,
    durationMs: 2 * holdMs,
  });
  await Promise.race([run.ready, run.result]);
  await sleep(holdMs);
  const after = anonymousBytes();
  run.stop();
  await run.result;
  return (after - before) / watchers;
}
