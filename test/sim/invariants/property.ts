import { Violation } from '../types.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

/**
 * What an event can show of a member. Most events show nothing, so that most properties need not be asked:
 * `start` it has started; `figures` one of them has moved; `sent` messages; `logged` entries; `handedOut` entries to the
 * state machine; `applied` an entry; `store` a commit of the store is on disk; `installed` a snapshot; `deleted` rows;
 * `reads` answered, `ranges` too; `acknowledged` proposals; `message` it was handed one.
 */
export const shown = {
  start: 1,
  figures: 2,
  sent: 4,
  logged: 8,
  handedOut: 16,
  applied: 32,
  store: 64,
  installed: 128,
  deleted: 256,
  reads: 512,
  acknowledged: 1024,
  message: 2048,
  ranges: 4096,
} as const;

export type Shown = keyof typeof shown;

/** One property: looks at what an event has shown, beside what is known of the cluster. */
export interface Property {
  /** `I1 one leader a term` */
  readonly name: string;
  /** It is asked when any of these is shown. */
  readonly on: readonly Shown[];
  /** Throws `Violation`. */
  judge(sight: Sight, record: Record): void;
  /** The power of a member has gone. */
  afterPowerLoss?(record: Record): void;
}

/** The text is made only when it does not hold. */
export function must(holds: boolean, name: string, describe: () => string): void {
  if (!holds) throw new Violation(name, describe());
}
