import { mustGet } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { AttachedKeys } from '../lease/attached-keys.ts';
import { IndexCompaction } from '../mvcc/compaction.ts';
import { IndexImage, IndexImageError } from '../mvcc/index-image.ts';
import type { KeyIndex } from '../mvcc/key-index.ts';
import { MvccStore } from '../mvcc/store.ts';
import type { CheckpointTarget, StoreState } from '../storage/types.ts';
import { decodeAttachments, kindOfNumber, leaseBlockNumber } from './checkpoint-blocks.ts';

/** What rows up to `revision` were made into. */
export interface CheckpointContent {
  readonly revision: number;
  readonly index: KeyIndex;
  readonly attached: AttachedKeys;
}

type CheckpointAt = Pick<StoreState, 'revision' | 'compactRevision'>;

/** Makes of an index checkpoint what the applied state is built on. */
export class CheckpointIntake implements CheckpointTarget {
  private readonly changed: () => void;
  private at: CheckpointAt | undefined;
  private image: IndexImage | undefined;
  private attached = new AttachedKeys();
  private index: KeyIndex | undefined;
  private isUsed = false;
  private reason: string | undefined;

  /** `changed`: whatever was built on the content before is to be forgotten. */
  constructor(changed: () => void) {
    this.changed = changed;
  }

  /** What the start goes on from; undefined when it reads all rows. */
  get content(): CheckpointContent | undefined {
    const { at, attached, index } = this;
    if (!this.isUsed || at === undefined || index === undefined) return undefined;
    return { revision: at.revision, index, attached };
  }

  /** Why one that was there is not gone on from. */
  get ignoredReason(): string | undefined {
    return this.reason;
  }

  /** The content is somebody else's now. */
  forget(): void {
    this.isUsed = false;
    this.index = undefined;
    this.attached = new AttachedKeys();
  }

  begin(at: CheckpointAt): void {
    this.at = at;
    this.image = new IndexImage(at.revision, at.compactRevision);
    this.attached = new AttachedKeys();
  }

  take(number: number, bytes: Bytes): void {
    const image = mustGet(this.image, 'a block comes after the beginning');
    if (number === leaseBlockNumber) {
      const isWhole = decodeAttachments(bytes, (key, lease) => this.attached.set(key, lease));
      if (!isWhole) throw new IndexImageError('it holds a block of leases that cannot be read');
      return;
    }
    const kind = kindOfNumber(number);
    if (kind === undefined) throw new IndexImageError(`it holds a block of kind ${number}`);
    image.take(kind, bytes);
  }

  finish({ compactRevision }: StoreState): number {
    const at = mustGet(this.at, 'the end comes after the beginning');
    const index = mustGet(this.image, 'the end comes after the beginning').finish();
    this.image = undefined;
    this.index = index;
    return compactRevision > at.compactRevision ? compact(index, at, compactRevision) : 0;
  }

  used(): void {
    this.isUsed = true;
    this.changed();
  }

  ignored(reason: string): void {
    this.isUsed = false;
    this.image = undefined;
    this.index = undefined;
    this.attached = new AttachedKeys();
    this.reason = reason;
    this.changed();
  }
}

/**
 * What a compaction deletes depends on the versions up to its revision alone, which are all here: what is left is
 * what it has left of the rows.
 */
function compact(index: KeyIndex, { revision }: CheckpointAt, compactRevision: number): number {
  const noRows = { get: () => undefined };
  const store = new MvccStore(noRows, { index, revision, compactRevision });
  const compaction = new IndexCompaction(store, compactRevision);
  for (let taken = 0; ;) {
    const { deleted, isDone } = compaction.advance(keysPerStep);
    taken += deleted.length;
    if (isDone) return taken;
  }
}

const keysPerStep = 10_000;
