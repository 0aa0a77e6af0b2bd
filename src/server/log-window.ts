import type { LogReader } from '../raft/types.ts';
import type { DataDir, LogStore } from '../storage/types.ts';

/** The log for Raft to read, asked for anew each time: an installed snapshot comes with another one. */
export function logInForce(dataDir: DataDir): LogReader {
  return {
    firstIndex: () => dataDir.log.firstIndex(),
    lastIndex: () => dataDir.log.lastIndex(),
    term: (index) => dataDir.log.term(index),
    entries: (low, high, bytesMax) => dataDir.log.entries(low, high, bytesMax),
  };
}

/** Entries below the catch-up window gather until this many, or as many as the window has, can go at once. */
const stepMax = 1000;
/** A snapshot stream holds back the truncation by at most this many entries. */
const heldEntriesMax = 50_000;

/** Forgets what the store holds durably and no follower that is a little behind will ask for. */
export function truncateLog(
  log: LogStore,
  {
    appliedIndex,
    catchupEntries,
    heldIndex,
  }: {
    readonly appliedIndex: number;
    readonly catchupEntries: number;
    /** Of the oldest image on its way: whoever gets it goes on from there. */
    readonly heldIndex: number;
  },
): void {
  const held = Math.max(heldIndex, appliedIndex - heldEntriesMax);
  const until = Math.min(appliedIndex - catchupEntries, held);
  const step = Math.min(stepMax, Math.max(1, catchupEntries));
  if (until - log.firstIndex() >= step) log.compact(until);
}
