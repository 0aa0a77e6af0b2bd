import type { Experiment } from './experiment.ts';
import { notesOf, outcomeOf } from './experiments-kv.ts';

/** Many keys a request, at one member that holds them all. */

const pageKeys = 500;
/** Puts beside the work: one in so many milliseconds. */
const pagingPutEveryMs = 5;
const idlePutEveryMs = 10;
const bigRangeKeysFull = 100_000;
/** Such an answer takes about a second. */
const bigRangeMsMin = 5_000;
const bigRangePrefix = 'big/';

const scan = { group: 'single', runs: 1, besidesMs: () => 0 } as const;

export const scanExperiments: readonly Experiment[] = [
  {
    ...scan,
    name: 'range-500',
    how: 'limit 500 from a key at random to the end of all, 4 connections',
    measure: async (target, { warmupMs, durationMs }) => {
      const endpoints = [(await target.leader()).target];
      return outcomeOf(
        await target.load({
          work: 'range-page',
          endpoints,
          connections: 4,
          limit: pageKeys,
          warmupMs,
          durationMs,
        }),
      );
    },
  },
  {
    ...scan,
    name: 'paging-500',
    how: 'pages of 500 at the revision of the first, a Put every 5 ms beside them',
    measure: async (target, { warmupMs, durationMs }) => {
      const endpoints = [(await target.leader()).target];
      const measured = await target.load({
        work: 'paging',
        endpoints,
        connections: 1,
        limit: pageKeys,
        concurrentPutMs: pagingPutEveryMs,
        warmupMs,
        durationMs,
      });
      const { figures, notes } = outcomeOf(measured);
      const { completeWalks = 0, concurrentPut } = measured.result;
      return { figures: { ...figures, completeWalks, putP99Ms: concurrentPut?.p99 ?? NaN }, notes };
    },
  },
  {
    ...scan,
    name: 'count-all',
    how: 'count_only over all keys, linearizable, 1 connection',
    measure: async (target, { warmupMs, durationMs }) => {
      const endpoints = [(await target.leader()).target];
      const work = 'count';
      return outcomeOf(
        await target.load({ work, endpoints, connections: 1, warmupMs, durationMs }),
      );
    },
  },
];

/** Its keys are its own, so it comes after what is measured with those that were there. */
export const bigRange: Experiment = {
  ...scan,
  name: 'big-range',
  how: '100,000 keys in one answer, 1 connection, a Put every 10 ms beside it and before it',
  runs: 1.5,
  measure: async (target, { warmupMs, durationMs }) => {
    const endpoints = [(await target.leader()).target];
    const own = {
      keyPrefix: bigRangePrefix,
      keys: Math.min(bigRangeKeysFull, target.settings.keys),
    };
    await target.fillOnce(own);
    const idle = await target.load({
      work: 'put',
      endpoints,
      ...own,
      connections: 1,
      rate: 1_000 / idlePutEveryMs,
      warmupMs: warmupMs / 2,
      durationMs: durationMs / 2,
    });
    const measured = await target.load({
      work: 'range-all',
      endpoints,
      ...own,
      connections: 1,
      concurrentPutMs: idlePutEveryMs,
      warmupMs,
      durationMs: Math.max(durationMs, bigRangeMsMin),
    });
    const putP99Ms = measured.result.concurrentPut?.p99 ?? Number.NaN;
    const idlePutP99Ms = idle.result.latencyMs.p99;
    const { figures } = outcomeOf(measured);
    return {
      figures: { ...figures, putP99Ms, idlePutP99Ms, putP99ToIdle: putP99Ms / idlePutP99Ms },
      notes: [...notesOf(idle), ...notesOf(measured)],
    };
  },
};
