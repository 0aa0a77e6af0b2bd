import type { Message } from './types.ts';

/** What a follower knows of the end of its leader's process. It counts until the leader is heard or forgotten. */
export class GoneLeader {
  /** The leader's process has ended, as far as this member can see. */
  isKnown = false;
  /** Ticks until this member campaigns for that reason. */
  ticksLeft = 0;
  /** The last term in which it campaigned for that reason: once in each. */
  campaignTerm = 0;
  /** A pre-vote of one who may have known it first, passed over for the sake of a leader who seemed alive. */
  passedOver: Message | undefined;

  /** There is a leader again who lives, or none any more. */
  forget(): void {
    this.isKnown = false;
    this.passedOver = undefined;
  }
}
