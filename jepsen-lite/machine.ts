import { readFileSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSchedstat } from '../test/bench/proc.ts';

/** What a busy machine takes from a stretch of time: that is no fault of the store. */

/** A disk that is not busy syncs a few bytes in so much, or less. */
const quickSyncMs = 20;
const syncEveryMs = 100;

export interface MachineWaits {
  /** How long the member that waited longest stood ready to run while others had all the cores, and the harness. */
  readonly coreMs: number;
  /** How long a file of the harness's own took to be synced, beyond what a disk takes that is not busy. */
  readonly diskMs: number;
}

export class MachineMeter {
  readonly #pids: () => readonly number[];
  readonly #before: ReadonlyMap<number, number>;
  readonly #done = new AbortController();
  readonly #probing: Promise<void>;
  #diskMs = 0;

  /** `pids` of the members that run; they may change. `folder` is on the disk of their data. */
  constructor(pids: () => readonly number[], folder: string) {
    this.#pids = pids;
    this.#before = new Map(this.#waits());
    this.#probing = this.#probe(join(folder, '.sync-probe'));
  }

  async end(): Promise<MachineWaits> {
    this.#done.abort();
    await this.#probing;
    const since = new Map(
      this.#waits().map(([pid, ms]) => [pid, ms - (this.#before.get(pid) ?? 0)]),
    );
    const own = since.get(process.pid) ?? 0;
    since.delete(process.pid);
    const coreMs = Math.round(Math.max(0, ...since.values()) + own);
    return { coreMs, diskMs: Math.round(this.#diskMs) };
  }

  /** By process, of its main thread. */
  #waits(): readonly (readonly [number, number])[] {
    return [...this.#pids(), process.pid].flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
        return [[pid, parseSchedstat(stat).waitingMs] as const];
      } catch {
        // One that has just ended has nothing to tell.
        return [];
      }
    });
  }

  async #probe(path: string): Promise<void> {
    const { signal } = this.#done;
    const file = await open(path, 'w');
    while (!signal.aborted) {
      const startMs = performance.now();
      await file.write('x', 0);
      await file.datasync();
      this.#diskMs += Math.max(0, performance.now() - startMs - quickSyncMs);
      await sleep(syncEveryMs, undefined, { signal }).catch(() => undefined);
    }
    await file.close();
    await unlink(path);
  }
}
