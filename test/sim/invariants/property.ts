import { Violation } from '../types.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

/** One property: looks at what an event has shown, beside what is known of the cluster. */
export interface Property {
  /** `I1 one leader a term` */
  readonly name: string;
  /** Throws `Violation`. */
  judge(sight: Sight, record: Record): void;
  /** The power of a member has gone. */
  afterPowerLoss?(record: Record): void;
}

/** The text is made only when it does not hold. */
export function must(holds: boolean, name: string, describe: () => string): void {
  if (!holds) throw new Violation(name, describe());
}
