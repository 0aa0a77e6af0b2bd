import { mkdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/base/random.ts';
import type { ImageKind } from '../../test/crash/images/image.ts';
import { losePower, mendTrace } from '../../test/crash/power-loss.ts';
import { buildShim, shimEnvironment } from '../../test/crash/shim/build.ts';
import type { Preload, Slot } from '../db/slot.ts';
import {
  buildClockShim,
  readOffsets,
  readReadings,
  writeOffsets,
  type ClockOffsets,
  type WrongReadings,
} from './clock.ts';

/** trace: what reached the disk is recorded; faults: the disk can fail; clock: the clocks can differ. */
export type Need = 'trace' | 'faults' | 'clock';

const nothingUnsynced: ImageKind = {
  reading: 'named by its folder',
  entries: 'none',
  files: 'nothing',
};

/** What stands between the members and the C library, and the files through which it is told what to do. */
export class Preloads {
  readonly #folder: string;
  readonly #needs: ReadonlySet<Need>;
  readonly #diskShim: string | undefined;
  readonly #clockShim: string | undefined;

  /** Builds what is needed. @throws when it cannot be built. */
  constructor(folder: string, needs: readonly Need[]) {
    mkdirSync(folder, { recursive: true });
    this.#folder = realpathSync(folder);
    this.#needs = new Set(needs);
    this.#clockShim = this.#needs.has('clock') ? buildClockShim(this.#folder) : undefined;
    if (this.#needs.has('trace') || this.#needs.has('faults')) {
      const built = buildShim();
      if (built.path === undefined) throw new Error(built.reason);
      this.#diskShim = built.path;
    }
  }

  /** For a process that starts now. */
  of(slot: Slot): Preload | undefined {
    if (this.#needs.size === 0) return undefined;
    const environment: Record<string, string> = {};
    const libraries: string[] = [];
    if (this.#diskShim !== undefined) {
      const use = {
        dataDir: realpathOf(slot),
        ...(this.#needs.has('trace') ? { trace: this.#path(slot, 'trace') } : {}),
        ...(this.#needs.has('faults') ? { faults: this.#path(slot, 'faults') } : {}),
      };
      if (use.trace !== undefined) mendTrace(use.trace);
      const { LD_PRELOAD: library = '', ...rest } = shimEnvironment(this.#diskShim, use);
      libraries.push(library);
      Object.assign(environment, rest);
    }
    if (this.#clockShim !== undefined) {
      const { wallMs } = this.#offsets(slot);
      // A monotonic clock means nothing beyond the life of a process.
      writeOffsets(this.#path(slot, 'clock'), { wallMs, monotonicMs: 0 });
      libraries.push(this.#clockShim);
      environment['JEPSEN_CLOCK'] = this.#path(slot, 'clock');
    }
    return { libraries, environment };
  }

  /** A member without data moves in: what was recorded of the one before is nothing to it. */
  forget(slot: Slot): void {
    rmSync(this.#path(slot, 'trace'), { force: true });
  }

  /** What a power loss at this moment may have left; the process has been killed. Answers it in words. */
  losePower(slot: Slot, random: Random): string {
    const trace = this.#path(slot, 'trace');
    return losePower({ dataDir: realpathOf(slot), trace, random }).description;
  }

  /** The same, and nothing is left that was not synced: where no sync was done, nothing at all. */
  loseUnsynced(slot: Slot, random: Random): string {
    const trace = this.#path(slot, 'trace');
    losePower({ dataDir: realpathOf(slot), trace, random, kind: nothingUnsynced });
    return 'nothing is left that was not synced';
  }

  /** Rules for the disk of that member, none for a sound one. */
  setDiskFaults(slot: Slot, rules: readonly string[]): void {
    writeFileSync(this.#path(slot, 'faults'), rules.map((rule) => `${rule}\n`).join(''));
  }

  setWall(slot: Slot, wallMs: number): void {
    writeOffsets(this.#path(slot, 'clock'), { ...this.#offsets(slot), wallMs });
  }

  /** The monotonic clock goes ahead. */
  skip(slot: Slot, ms: number): void {
    const { wallMs, monotonicMs } = this.#offsets(slot);
    writeOffsets(this.#path(slot, 'clock'), { wallMs, monotonicMs: monotonicMs + ms });
  }

  /** How often the member has read its clocks while they were wrong, over all its lives. */
  wrongReadings(slot: Slot): WrongReadings {
    return readReadings(this.#path(slot, 'clock'));
  }

  /** How often a rule has decided what the disk of that member did, over all its lives. */
  diskFaultsMet(slot: Slot): number {
    return statSync(`${this.#path(slot, 'faults')}.met`, { throwIfNoEntry: false })?.size ?? 0;
  }

  #offsets(slot: Slot): ClockOffsets {
    try {
      return readOffsets(this.#path(slot, 'clock'));
    } catch {
      return { wallMs: 0, monotonicMs: 0 };
    }
  }

  #path(slot: Slot, what: Need): string {
    return join(this.#folder, `${slot.name}.${what}`);
  }
}

/** Its folder exists, the data dir perhaps not yet. */
function realpathOf(slot: Slot): string {
  return join(realpathSync(slot.options.dataFolder), slot.name);
}
