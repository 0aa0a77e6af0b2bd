import type { Random } from '../../src/base/random.ts';

/** The words of this folder: a member lives and is recorded; images of its disk are judged by what it promised. */

export interface LifeOptions {
  /** An empty folder, for the data dir and the trace. */
  readonly folder: string;
  readonly shim: string;
  readonly random: Random;
  /** For the shim, from the beginning; `sync * skip` switches all syncs off. */
  readonly faults: string;
}

/** What a member promised in its life, to clients or to peers. */
export interface Life {
  readonly name: string;
  readonly trace: string;
  /** What it did, in a line. */
  readonly summary: string;
  /** All that `judge` knows, as data that v8 can write down. */
  readonly promises: object;
  /** Power is lost after each operation in turn, as far as there are images enough; otherwise where it is drawn. */
  readonly isCutEverywhere?: boolean;
  /** Starts a member on an image and asks it whether all is there. */
  judge(image: JudgedImage): Promise<Judgement>;
}

export interface JudgedImage {
  readonly dataDir: string;
  /** What was acknowledged before the trace had this length must be there. */
  readonly promisedAt: number;
  /** The length of the trace at the power loss: nothing that happened later can be there. */
  readonly cutAt: number;
  /** As a process of its own, not within this one. */
  readonly asProcess: boolean;
  /** Time limits are multiplied by it: 1 at first. */
  readonly patience: number;
}

export type Judgement =
  | { readonly outcome: 'booted' }
  | { readonly outcome: 'refused'; readonly message: string }
  | { readonly outcome: 'lied'; readonly message: string }
  /** Nothing was heard in time. */
  | { readonly outcome: 'late'; readonly message: string };

/** What an image lacks, or has and should not have. */
export class Lie extends Error {}

/** A time limit was reached: on a busy machine that says nothing yet. */
export class Late extends Error {}

/** Why a member did not start, or did not go on. */
export class Refused extends Error {}

export function judgementOf(error: unknown): Judgement {
  if (error instanceof Refused) return { outcome: 'refused', message: error.message };
  if (error instanceof Late) return { outcome: 'late', message: error.message };
  return { outcome: 'lied', message: error instanceof Lie ? error.message : String(error) };
}
