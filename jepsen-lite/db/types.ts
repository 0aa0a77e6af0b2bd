import type { Program } from '../../test/members/programs.ts';
import type { History } from '../types.ts';

export type Target = History['target'];

/** The store under test, as a program that the harness starts. */
export interface Db {
  readonly target: Target;
  /** What it answers to --version: it is written into the report. */
  readonly program: Program;
  /** Beside those that both get. */
  readonly flags: readonly string[];
  /** Whether what is preloaded into its process sees its calls of the C library. A Go program does not use it. */
  readonly usesLibc: boolean;
  /** What its log says when it has failed and not merely met a fault. */
  readonly alarm: RegExp;
  /** What a member logs that has sent the whole store to another; the first group is that one's id, in hexadecimal. */
  readonly snapshotSent: RegExp;
  /** Builds it if need be. False: it cannot be had here, and that was said. */
  prepare(): Promise<boolean>;
}

/** Timers of etcd's defaults; logs so short that a member that was away needs a snapshot. */
export const commonFlags: readonly string[] = [
  '--heartbeat-interval=100',
  '--election-timeout=1000',
  '--snapshot-count=500',
  '--snapshot-catchup-entries=100',
];
