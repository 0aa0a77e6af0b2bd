import type { Random } from '../../src/base/random.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import { ioError } from '../../src/storage/memory-operation.ts';
import { streamOf } from './streams.ts';

/** What becomes of an operation: when it is answered, and whether it fails. */
export interface Fate {
  readonly delayMs: number;
  readonly failure: Error | undefined;
  /** Of one that fails: whether it has reached the disk all the same. */
  readonly isPersisted: boolean;
}

interface Trouble {
  slowMinMs: number;
  slowMaxMs: number;
  /** What the next write meets. */
  failure: { readonly error: Error; readonly isPersisted: boolean } | undefined;
  readonly random: Random;
}

const usualMs = 1;

/** How the disks of a run behave. A slow one answers late, never wrong; a failing one fails the next thing it writes. */
export class SimDisks {
  private readonly seed: number;
  private readonly troubles = new Map<string, Trouble>();

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Each answer takes so long, at least and at most. */
  slow(name: string, maxMs: number, minMs = usualMs): void {
    const trouble = this.troubleOf(name);
    trouble.slowMaxMs = maxMs;
    trouble.slowMinMs = minMs;
  }

  failNextWrite(name: string, isPersisted: boolean, isFull: boolean): void {
    const error = isFull
      ? Object.assign(new Error('No space left on device'), { code: 'ENOSPC' })
      : ioError('fdatasync: Input/output error');
    this.troubleOf(name).failure = { error, isPersisted };
  }

  /** The machine was switched off, or the world heals. */
  forget(name: string): void {
    const trouble = this.troubles.get(name);
    if (trouble === undefined) return;
    trouble.slowMaxMs = 0;
    trouble.failure = undefined;
  }

  fateOf(name: string, { kind }: DiskOperation): Fate {
    const trouble = this.troubles.get(name);
    if (trouble === undefined) return usual;
    const { slowMinMs, slowMaxMs, random, failure } = trouble;
    const delayMs = slowMaxMs === 0 ? usualMs : slowMinMs + random.below(slowMaxMs);
    if (failure === undefined || !writes.has(kind)) return { ...usual, delayMs };
    trouble.failure = undefined;
    return { delayMs, failure: failure.error, isPersisted: failure.isPersisted };
  }

  private troubleOf(name: string): Trouble {
    let trouble = this.troubles.get(name);
    if (trouble === undefined) {
      const random = streamOf(this.seed, `disk of ${name}`);
      trouble = { slowMinMs: usualMs, slowMaxMs: 0, failure: undefined, random };
      this.troubles.set(name, trouble);
    }
    return trouble;
  }
}

const usual: Fate = { delayMs: usualMs, failure: undefined, isPersisted: false };

const writes: ReadonlySet<DiskOperation['kind']> = new Set(['batch', 'write', 'sync', 'rename']);
