import type { Message } from '../../src/raft/types.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { MemoryDisk } from '../../src/storage/memory-disk.ts';

/** What the world of a simulation shows to those who judge it. The world makes events; invariants look after each. */

/** A member that runs. A name stays over restarts, the object does not. */
export interface SimMember {
  readonly name: string;
  readonly member: ServerMember;
  readonly disk: MemoryDisk;
}

/** Something that happened to one member. */
export type SimEvent =
  | { readonly kind: 'start'; readonly name: string }
  /** It was told to stop, was removed, or the power went: whatever was not durable may be gone. */
  | { readonly kind: 'end'; readonly name: string; readonly isPowerLoss: boolean }
  /** It was handed a message. */
  | { readonly kind: 'message'; readonly name: string; readonly message: Message }
  /** A disk operation of it has ended. */
  | { readonly kind: 'disk'; readonly name: string; readonly path: string }
  /** A timer of it fired, or a client asked it for something. */
  | { readonly kind: 'turn'; readonly name: string };

export interface SimView {
  readonly nowMs: number;
  /** Those that run. */
  readonly members: ReadonlyMap<string, SimMember>;
  /** What a member has sent since it was last asked for; emptied by asking. */
  takeSent(name: string): readonly Message[];
  /** Its data is damaged or lost: what it does is not judged any more, and events do not name it. */
  readonly isExempt?: (name: string) => boolean;
}

/**
 * One property of the list in invariants/README.md, in a file of its own under invariants/. It is asked after
 * every event and looks only at the member that the event names, so that a run stays fast.
 */
export interface Invariant {
  /** `I1 one leader a term` */
  readonly name: string;
  /** Throws `Violation` when the event has broken it. */
  after(event: SimEvent, view: SimView): void;
}

/** An invariant does not hold. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

/** Rare states, each under a name of its own, that a good run has reached: `snapshot during a joint configuration`. */
export interface Probes {
  sometimes(name: string): void;
}
