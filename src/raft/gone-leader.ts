import { campaignForGone, isPromotable } from './election.ts';
import { step } from './step.ts';
import type { Core } from './core.ts';
import { noMember, type MemberId } from './types.ts';

/**
 * A follower need not wait for an election timeout when it knows that its leader's process has ended. It is a hint
 * and may be wrong. What it changes is when a member asks for votes and that it does not refuse them for the sake
 * of that leader: never what a vote, a term or a commit is. Who asks asks for pre-votes first, so that a leader whom
 * a majority hears stays; and once in a term, so that hints alone cannot keep a cluster busy.
 */

/** Between two members who could campaign: one has won, or lost, before the next begins. */
const ticksApart = 2;

/** The transport has found that the process of `id` has ended. */
export function reportGone(core: Core, id: MemberId): void {
  const { gone } = core;
  if (core.state !== 'follower' || core.lead !== id || id === noMember || gone.isKnown) return;
  const { passedOver } = gone;
  gone.isKnown = true;
  gone.passedOver = undefined;
  gone.ticksLeft = ticksApart * rankOf(core, id);
  // Whoever has found out first has asked already.
  if (passedOver !== undefined) step(core, passedOver);
  maybeCampaignForGone(core);
}

/** A tick of a follower. */
export function tickGone(core: Core): void {
  if (!core.gone.isKnown) return;
  core.gone.ticksLeft--;
  maybeCampaignForGone(core);
}

function maybeCampaignForGone(core: Core): void {
  const { gone, term } = core;
  const isDue = gone.isKnown && gone.ticksLeft <= 0 && gone.campaignTerm !== term;
  if (isDue && isPromotable(core)) campaignForGone(core);
}

/** Each voter has a turn of its own: those who campaign together split the votes. */
function rankOf(core: Core, leader: MemberId): number {
  const { voters } = core.tracker.conf;
  return voters.filter((id) => id < core.id && id !== leader).length;
}
