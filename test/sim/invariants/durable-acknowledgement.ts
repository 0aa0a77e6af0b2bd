import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { Sight } from './sight.ts';

const name = 'I8 what is acknowledged is durable';

/**
 * Whoever accepts a MsgApp has all entries up to the acknowledged index, and the term, on its own disk when the
 * answer leaves (etcd #14370); and what of it is committed is still there when the member starts again.
 */
export class DurableAcknowledgement implements Property {
  readonly name = name;
  readonly on = ['start', 'sent'] as const;
  /** By the data dir: the newest acknowledgement. */
  private readonly acknowledged = new Map<bigint, { index: number; term: number }>();
  private readonly durableTerms = new Map<bigint, number>();

  judge(sight: Sight, record: Record): void {
    const { id, incarnation, isNew, sent, log } = sight;
    if (isNew) {
      this.durableTerms.delete(incarnation);
      this.isStillThere(sight, record);
    }
    for (const message of sent) {
      if (message.type !== 'MsgAppResp' || message.reject) continue;
      const { index, term } = message;
      must(
        log.isWholeTo(index),
        name,
        () => `${id} acknowledges ${index}, its disk has not all entries up to there`,
      );
      const durableTerm = this.durableTerm(sight, term);
      must(
        durableTerm >= term,
        name,
        () => `${id} acknowledges in term ${term}, its disk knows term ${durableTerm}`,
      );
      this.acknowledged.set(incarnation, { index, term: log.termAt(index) ?? 0 });
    }
  }

  /** At least this one is on disk. It never goes back while the member runs, so it is read when it must be higher. */
  private durableTerm({ incarnation, log }: Sight, term: number): number {
    const known = this.durableTerms.get(incarnation);
    if (known !== undefined && known >= term) return known;
    const read = log.hardState?.term ?? 0;
    this.durableTerms.set(incarnation, read);
    return read;
  }

  private isStillThere({ id, incarnation, log }: Sight, { entries, committed }: Record): void {
    const last = this.acknowledged.get(incarnation);
    if (last === undefined || last.index > committed) return;
    const { index, term } = last;
    // Of what was not committed a later leader may have replaced everything.
    if (entries[index]?.term !== term) return;
    must(
      log.holds(index, term),
      name,
      () => `${id} begins without entry ${term}/${index}, which it has acknowledged`,
    );
  }
}
