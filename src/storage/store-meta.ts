import type { ConfState } from '../raft/types.ts';
import type { Bytes } from '../base/bytes.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import type { Field, FieldReader } from './record.ts';
import { metaKey, noRows } from './store-rows.ts';
import type { RowTotals } from './store-rows.ts';
import type { StoreState } from './types.ts';

/** The meta row: written with every commit, in the same batch. */
export interface StoreMeta {
  readonly state: StoreState;
  /** The applied index of the commit before. */
  readonly previousIndex: number;
  readonly totals: RowTotals;
  /** Bytes of rows deleted since the last Defragment. */
  readonly deletedBytes: number;
}

export const emptyConfState: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** A store to which nothing has been applied. etcd's first revision is 1. */
export const emptyStoreState: StoreState = {
  appliedIndex: 0,
  appliedTerm: 0,
  revision: 1,
  compactRevision: -1,
  scheduledCompaction: -1,
  confState: emptyConfState,
};

export const emptyStoreMeta: StoreMeta = {
  state: emptyStoreState,
  previousIndex: 0,
  totals: noRows,
  deletedBytes: 0,
};

export function encodeMeta(meta: StoreMeta): Bytes {
  return encodeRecord(metaKey, metaFields(meta));
}

export function decodeMeta(value: Bytes): StoreMeta | undefined {
  const fields = decodeRecord(metaKey, value);
  return fields === undefined ? undefined : readMeta(fields);
}

export function metaFields(meta: StoreMeta): readonly Field[] {
  const { state, totals } = meta;
  const { confState } = state;
  return [
    state.appliedIndex,
    state.appliedTerm,
    state.revision,
    state.compactRevision,
    state.scheduledCompaction,
    confState.voters,
    confState.votersOutgoing,
    confState.learners,
    confState.learnersNext,
    confState.autoLeave,
    meta.previousIndex,
    totals.count,
    totals.bytes,
    totals.sumHigh,
    totals.sumLow,
    meta.deletedBytes,
  ];
}

/** Reads what `metaFields` wrote. Throws a FieldError on another shape. */
export function readMeta(fields: FieldReader): StoreMeta {
  const state: StoreState = {
    appliedIndex: fields.number(),
    appliedTerm: fields.number(),
    revision: fields.number(),
    compactRevision: fields.number(),
    scheduledCompaction: fields.number(),
    confState: {
      voters: fields.bigints(),
      votersOutgoing: fields.bigints(),
      learners: fields.bigints(),
      learnersNext: fields.bigints(),
      autoLeave: fields.boolean(),
    },
  };
  return {
    state,
    previousIndex: fields.number(),
    totals: {
      count: fields.number(),
      bytes: fields.number(),
      sumHigh: fields.number(),
      sumLow: fields.number(),
    },
    deletedBytes: fields.number(),
  };
}
