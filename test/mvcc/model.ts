import type { Bytes } from '../../src/base/bytes.ts';
import type { KeyRange } from '../../src/mvcc/types.ts';

/** One write as the model has it; `version` 0 is a deletion. */
export interface ModelVersion {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly modSub: number;
  readonly version: number;
}

export type ModelWrite =
  | { readonly put: string; readonly value: string }
  | { readonly deleteFrom: string; readonly deleteTo: string | undefined };

/**
 * The store as simply as it can be said: every write ever made, in order, and each question answered by
 * looking at all of them. Keys are text of one byte a character.
 */
export class StoreModel {
  revision = 1;
  compactRevision = -1;
  private readonly writes: ModelVersion[] = [];

  txn(writes: readonly ModelWrite[]): void {
    const modRevision = this.revision + 1;
    let modSub = 0;
    for (const write of writes) {
      if ('put' in write) {
        const live = this.live(undefined).find(({ key }) => key === write.put);
        this.writes.push({
          key: write.put,
          value: write.value,
          createRevision: live?.createRevision ?? modRevision,
          modRevision,
          modSub: modSub++,
          version: (live?.version ?? 0) + 1,
        });
        continue;
      }
      for (const { key } of this.live(undefined)) {
        if (!isWithin(key, write.deleteFrom, write.deleteTo)) continue;
        const deletion = { value: '', createRevision: 0, modRevision, version: 0 };
        this.writes.push({ key, modSub: modSub++, ...deletion });
      }
    }
    if (modSub > 0) this.revision = modRevision;
  }

  /** What is live at `revision`, in key order. */
  live(revision = Infinity): ModelVersion[] {
    const newest = new Map<string, ModelVersion>();
    for (const write of this.writes)
      if (write.modRevision <= revision) newest.set(write.key, write);
    return [...newest.values()]
      .filter(({ version }) => version > 0)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  within(from: string, to: string | undefined, revision?: number): ModelVersion[] {
    return this.live(revision).filter(({ key }) => isWithin(key, from, to));
  }

  /** The writes whose rows a finished compaction at `compactRevision` has left, and all later ones. */
  kept(): ModelVersion[] {
    const live = new Set(this.live(this.compactRevision));
    return this.writes.filter(
      (write) =>
        write.modRevision > this.compactRevision ||
        live.has(write) ||
        (write.modRevision === this.compactRevision && this.isLastTombstone(write)),
    );
  }

  private isLastTombstone(write: ModelVersion): boolean {
    const same = this.writes.filter(
      ({ key, modRevision }) => key === write.key && modRevision === write.modRevision,
    );
    return write.version === 0 && same.at(-1) === write;
  }
}

function isWithin(key: string, from: string, to: string | undefined): boolean {
  return key >= from && (to === undefined || key < to);
}

/** The range from the text `from` to the text `to`. */
export function textRange(from: string, to: string | undefined): KeyRange {
  return { from: latin1(from), to: to === undefined ? undefined : latin1(to) };
}

export function latin1(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
