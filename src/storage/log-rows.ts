import type { Bytes } from '../base/bytes.ts';
import type { HardState } from '../raft/types.ts';
import type { FieldReader } from './record.ts';

/** The log's keys and values on disk, save its entries (log-runs.ts). */

export const identityKey: Bytes = new Uint8Array([0x01]);
export const hardStateKey: Bytes = new Uint8Array([0x02]);
/** Holds index and term of the entry before the first: what has been compacted. */
export const startKey: Bytes = new Uint8Array([0x03]);
export function hardStateFields(hardState: HardState): readonly (number | bigint)[] {
  return [hardState.term, hardState.vote, hardState.commit];
}

export function readHardState(fields: FieldReader): HardState {
  return { term: fields.number(), vote: fields.bigint(), commit: fields.number() };
}

/** A position in the log. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

export const logStart: LogPosition = { index: 0, term: 0 };

export function positionFields(position: LogPosition): readonly number[] {
  return [position.index, position.term];
}

export function readPosition(fields: FieldReader): LogPosition {
  return { index: fields.number(), term: fields.number() };
}
