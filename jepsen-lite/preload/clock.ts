import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../test/members/programs.ts';

/** The shim that makes a member's clocks differ from the machine's, and the file that says by how much. */

export interface ClockOffsets {
  /** The clock on the wall, either way. */
  readonly wallMs: number;
  /** Only ever more in the life of a process: a monotonic clock never goes back. */
  readonly monotonicMs: number;
}

/** How often a process has read its clocks while they were wrong. */
export interface WrongReadings {
  readonly wall: number;
  readonly monotonic: number;
}

const source = join(repositoryRoot, 'jepsen-lite/preload/clock.c');
const nsPerMs = 1_000_000n;

/** Builds the shim into that folder. @throws when there is no C compiler. */
export function buildClockShim(folder: string): string {
  const library = join(folder, 'clock.so');
  if (existsSync(library)) return library;
  const args = ['-shared', '-fPIC', '-O2', '-Wall', '-o', library, source, '-ldl'];
  const built = spawnSync('cc', args, { encoding: 'utf8' });
  if (built.status !== 0) {
    throw new Error(`cc cannot build the clock shim: ${built.error?.message ?? built.stderr}`);
  }
  return library;
}

/** Two offsets, and two counts that the shim keeps. */
const fileBytes = 32;

/** In place: processes have the file mapped. */
export function writeOffsets(path: string, { wallMs, monotonicMs }: ClockOffsets): void {
  if (!existsSync(path)) writeFileSync(path, Buffer.alloc(fileBytes));
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(Math.round(wallMs)) * nsPerMs, 0);
  bytes.writeBigInt64LE(BigInt(Math.round(monotonicMs)) * nsPerMs, 8);
  writeFileSync(path, bytes, { flag: 'r+' });
}

export function readOffsets(path: string): ClockOffsets {
  const bytes = readFileSync(path);
  return {
    wallMs: Number(bytes.readBigInt64LE(0) / nsPerMs),
    monotonicMs: Number(bytes.readBigInt64LE(8) / nsPerMs),
  };
}

export function readReadings(path: string): WrongReadings {
  const bytes = readFileSync(path);
  return {
    wall: Number(bytes.readBigInt64LE(16)),
    monotonic: Number(bytes.readBigInt64LE(24)),
  };
}
