import type { MemberId, Message } from '../../../src/raft/types.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

const name = 'I7 one vote a term, durable before it is told';

/**
 * Dissertation, section 3.8: term and vote are on the disk before anybody hears of them; and a member that starts
 * again is in no term before the last that it promised.
 */
export class OneVote implements Property {
  readonly name = name;
  readonly on = ['start', 'sent'] as const;
  /** By the data dir: the highest term in which it has voted. */
  private readonly promised = new Map<bigint, number>();

  judge(sight: Sight, record: Record): void {
    const { id, incarnation, isNew, now, sent } = sight;
    if (isNew) {
      const term = this.promised.get(incarnation) ?? 0;
      must(now.term >= term, name, () => `${id} begins in ${now.term}, but has voted in ${term}`);
    }
    for (const message of sent) {
      if (message.type === 'MsgVote') this.voted(sight, message, message.from, record);
      if (message.type === 'MsgVoteResp' && !message.reject)
        this.voted(sight, message, message.to, record);
    }
  }

  private voted(
    { log, incarnation }: Sight,
    { from, term }: Message,
    candidate: MemberId,
    { votes }: Record,
  ): void {
    const ofTerm = votes.get(term) ?? new Map<MemberId, MemberId>();
    votes.set(term, ofTerm);
    const known = ofTerm.get(from);
    must(
      known === undefined || known === candidate,
      name,
      () => `${from} votes for ${candidate} in term ${term}, and has voted for ${known}`,
    );
    ofTerm.set(from, candidate);
    this.promised.set(incarnation, Math.max(term, this.promised.get(incarnation) ?? 0));
    const { hardState } = log;
    must(
      hardState !== undefined &&
        (hardState.term > term || (hardState.term === term && hardState.vote === candidate)),
      name,
      () =>
        `${from} tells its vote for ${candidate} in term ${term}, its disk has ${hardState?.vote} in ${hardState?.term}`,
    );
  }
}
