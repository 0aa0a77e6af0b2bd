import type { Random } from '../../src/base/random.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Message } from '../../src/raft/types.ts';

interface Kept {
  readonly atMs: number;
  readonly message: Message;
}

const keptMax = 300;

/** Messages that members have received, some of them long ago, to be handed in again. */
export class Archive {
  private readonly random: Random;
  private readonly now: () => number;
  private readonly kept = new Map<string, Kept[]>();

  constructor(random: Random, now: () => number) {
    this.random = random;
    this.now = now;
  }

  keep(name: string, message: Message): void {
    // To send a proposal again would be to write twice.
    if (message.type === 'MsgProp') return;
    let kept = this.kept.get(name);
    if (kept === undefined) this.kept.set(name, (kept = []));
    const place = kept.length < keptMax ? kept.length : this.random.below(keptMax);
    kept[place] = { atMs: this.now(), message };
  }

  /** The data dir that they were meant for is gone. */
  forget(name: string): void {
    this.kept.delete(name);
  }

  /** Some that are at least so old, in any order. */
  draw(name: string, ageMinMs: number, count: number, seed: number): readonly Message[] {
    const random = seededRandom(seed);
    const untilMs = this.now() - ageMinMs;
    const old = (this.kept.get(name) ?? []).filter(({ atMs }) => atMs <= untilMs);
    if (old.length === 0) return [];
    return Array.from({ length: count }, () => old[random.below(old.length)]).flatMap((each) =>
      each === undefined ? [] : [each.message],
    );
  }
}
