import { Names } from './names.ts';

/** What a comparison has to know of the two sides besides their answers. */
export interface Sides {
  readonly reference: Names;
  readonly subject: Names;
  /** After a restart of the subject its leases live longer than the reference's. */
  readonly isRestarted: boolean;
  /** Whether both are asked for all at one member, so that the order of leases means something. */
  readonly hasOneMember: boolean;
  /** When that lease expires, on the clock of this process. */
  readonly expiryMs: (lease: string) => number;
}

export const noSides: Sides = {
  reference: new Names(),
  subject: new Names(),
  isRestarted: false,
  hasOneMember: true,
  expiryMs: () => 0,
};
