import type { DataDir } from '../../src/storage/types.ts';
import type { Entry } from '../../src/raft/types.ts';
import { Lie } from './life.ts';

/** What a follower was sent, step by step, and what it acknowledged: a log, a term, a vote. */

/** How the follower's disk stands when one more message has been taken up. */
export interface Picture {
  readonly term: number;
  readonly vote: bigint;
  /** Terms by index; only the first `last + 1` count, of which index 0 is none. */
  readonly terms: readonly number[];
  readonly last: number;
  /** The log was reset to this index by a snapshot, or 0. */
  readonly start: number;
  readonly commit: number;
}

interface Step {
  readonly what: string;
  readonly picture: Picture;
  /** The length of the trace before the message was sent. */
  readonly sentAt: number;
  /** And when its acknowledgement had come. */
  ackedAt: number;
}

export class PeerHistory {
  private readonly steps: Step[] = [];
  /** A term and an index stand for one entry, whoever has it. */
  private readonly entries = new Map<string, Entry>();
  /** Indexes of entries that write a revision: all but those of the first members and of new leaders. */
  private readonly writes = new Set<string>();

  get newest(): Picture | undefined {
    return this.steps.at(-1)?.picture;
  }

  get stepsCount(): number {
    return this.steps.length;
  }

  know(entry: Entry, isWrite: boolean): void {
    const name = `${entry.term}/${entry.index}`;
    this.entries.set(name, entry);
    if (isWrite) this.writes.add(name);
  }

  sent(what: string, sentAt: number, picture: Picture): void {
    this.steps.push({ what, picture, sentAt, ackedAt: Infinity });
  }

  /** The follower takes messages up in order: who acknowledges one has taken up all before it. */
  acked(at: number, isMeant: (picture: Picture) => boolean): void {
    const upTo = this.steps.findLastIndex(({ picture }) => isMeant(picture));
    for (const step of this.steps.slice(0, upTo + 1)) step.ackedAt = Math.min(step.ackedAt, at);
  }

  get isAllAcked(): boolean {
    return this.steps.every((step) => step.ackedAt < Infinity);
  }

  isAckedAt(at: number): boolean {
    return this.steps.some((step) => step.ackedAt <= at);
  }

  /** The follower's disk must be as after a message that it may have heard, and none before what it acknowledged. */
  check(dataDir: DataDir, promisedAt: number, cutAt: number): void {
    const least = this.steps.findLastIndex((step) => step.ackedAt <= promisedAt);
    const most = this.steps.findLastIndex((step) => step.sentAt <= cutAt);
    const possible = this.steps.slice(Math.max(least, 0), most + 1);
    const differences = possible.map(({ picture, what }) => {
      const difference = this.difference(dataDir, picture);
      return difference === undefined ? undefined : `after "${what}" ${difference}`;
    });
    if (differences.includes(undefined)) return;
    if (least < 0 && dataDir.log.lastIndex() <= (this.steps[0]?.picture.last ?? 0)) return;
    const { term, vote } = dataDir.log.hardState;
    throw new Lie(
      `the log ends at index ${dataDir.log.lastIndex()}, in term ${term} with a vote for ${vote.toString(16)}, ` +
        `which is not what it acknowledged: ${differences.join('; ')}`,
    );
  }

  private difference({ log, store }: DataDir, picture: Picture): string | undefined {
    const { term, vote } = log.hardState;
    if (term !== picture.term) return `its term is ${picture.term}`;
    if (vote !== picture.vote) return `its vote is for ${picture.vote.toString(16)}`;
    if (log.lastIndex() !== picture.last) return `its log ends at ${picture.last}`;
    if (log.firstIndex() <= picture.start) return `its log begins after ${picture.start}`;
    if (log.firstIndex() > picture.commit + 1) return `it had committed ${picture.commit} only`;
    for (let index = log.firstIndex(); index <= picture.last; index++) {
      const expected = this.entries.get(`${picture.terms[index]}/${index}`);
      const [found] = log.entries(index, index + 1, 0);
      const isSame =
        expected !== undefined &&
        found?.term === expected.term &&
        found.type === expected.type &&
        Buffer.compare(found.data, expected.data) === 0;
      if (!isSame) return `its entry ${index} is another`;
    }
    const { appliedIndex, revision } = store.state;
    if (appliedIndex > picture.commit) return `it had committed ${picture.commit} only`;
    const written = this.revisionAt(picture, appliedIndex);
    return revision === written
      ? undefined
      : `revision ${written} is that of index ${appliedIndex}`;
  }

  private revisionAt(picture: Picture, index: number): number {
    let revision = 1;
    for (let at = 1; at <= index; at++) {
      if (this.writes.has(`${picture.terms[at]}/${at}`)) revision++;
    }
    return revision;
  }
}
