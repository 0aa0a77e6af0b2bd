import { writeFileSync } from 'node:fs';

/**
 * Loaded into a member (`--import`): at SIGUSR2 it collects garbage and writes down what is left, to the file that
 * SOAK_LOOK names, with the process id behind it.
 */

export interface Look {
  /** Heap after garbage collection. */
  readonly heapBytes: number;
  /** What hangs on it: rows in memory (mvcc/row-arena.ts) above all, which fill up to their bound. */
  readonly externalBytes: number;
  /** Timers, sockets and the like that keep the process busy. */
  readonly resources: number;
}

const collections = 3;

process.on('SIGUSR2', () => {
  for (let i = 0; i < collections; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const look: Look = {
    heapBytes: heapUsed,
    externalBytes: external,
    resources: process.getActiveResourcesInfo().length,
  };
  writeFileSync(`${process.env['SOAK_LOOK'] ?? '/dev/null'}.${process.pid}`, JSON.stringify(look));
});
