import type { Bytes } from '../base/bytes.ts';
import { StateMachine } from '../apply/machine.ts';
import { Alarms } from '../apply/alarms.ts';
import { AttachedKeys } from '../lease/attached-keys.ts';
import { Leases } from '../lease/leases.ts';
import { Membership } from '../membership/membership.ts';
import { StoreRestorer } from '../mvcc/restore.ts';
import { encodeRowKey } from '../mvcc/revision.ts';
import type { MvccStore } from '../mvcc/store.ts';
import type { RowReader } from '../mvcc/types.ts';
import { CheckpointIntake } from './checkpoint-intake.ts';
import type { Row, StateStore, StoreState } from '../storage/types.ts';

/** The state that applying entries changes, all of it. */
export interface AppliedState {
  readonly revisions: MvccStore;
  readonly membership: Membership;
  readonly leases: Leases;
  readonly alarms: Alarms;
  readonly machine: StateMachine;
}

/**
 * Builds the applied state in the pass in which the store is checked on opening, or read after a snapshot; where there
 * is a checkpoint of the index, from that and the rows above it.
 */
export class AppliedStateLoader {
  /** For the opening of the data dir, to take what a checkpoint holds. */
  readonly checkpoint = new CheckpointIntake(() => {
    this.restorer = undefined;
  });
  private restorer: StoreRestorer | undefined;
  private attached = new AttachedKeys();
  private readonly isInSlices: boolean;
  private loadedRevision: number | undefined;

  /** `isInSlices`: the member is in service meanwhile. */
  constructor(isInSlices = false) {
    this.isInSlices = isInSlices;
  }

  /** After `finish`: the revision of the checkpoint that the index was made from, to be compared with the rows. */
  get checkpointRevision(): number | undefined {
    return this.loadedRevision;
  }

  /** Rows of the store in key order, and the state that it was opened with. */
  feed(rows: readonly Row[], { compactRevision }: StoreState): void {
    this.restorer ??= this.openRestorer(compactRevision);
    this.restorer.feed(rows);
  }

  finish(store: StateStore, reader: RowReader): AppliedState {
    const { revision, compactRevision } = store.state;
    const restorer = this.restorer ?? this.openRestorer(compactRevision);
    this.restorer = undefined;
    this.loadedRevision = this.checkpoint.content?.revision;
    this.checkpoint.forget();
    const revisions = restorer.finish(reader, revision);
    const membership = Membership.load(store.spaces.get('members') ?? []);
    const leases = Leases.load(store.spaces.get('lease') ?? [], this.attached);
    const alarms = Alarms.load(store.spaces.get('alarm') ?? []);
    const machine = new StateMachine({ revisions, membership, leases, alarms });
    return { revisions, membership, leases, alarms, machine };
  }

  private openRestorer(compactRevision: number): StoreRestorer {
    const { content } = this.checkpoint;
    const attached = content?.attached ?? new AttachedKeys();
    this.attached = attached;
    const onVersion = (key: Bytes, lease: bigint): void => attached.set(key, lease);
    const how = content ?? (this.isInSlices ? 'in slices' : 'at once');
    return new StoreRestorer(compactRevision, onVersion, how);
  }
}

/** Reads a store that has just been put in force; the shell's slices of other work go on meanwhile. */
export function reloadAppliedState(
  store: StateStore,
  reader: RowReader,
  done: (state: AppliedState) => void,
): void {
  const loader = new AppliedStateLoader(true);
  store.scan(encodeRowKey(0, 0, false), undefined, rowsPerBatch, (rows, isLast, resume) => {
    loader.feed(rows, store.state);
    if (isLast) done(loader.finish(store, reader));
    else resume();
  });
}

const rowsPerBatch = 1000;
