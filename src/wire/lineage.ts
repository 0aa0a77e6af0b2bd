import type { Bytes } from '../base/bytes.ts';
import { message, repeatedNested, string, uint32, uint64, type MessageOf } from './message.ts';

/**
 * The history of a cluster's data: one entry for every time that it was parted from what other members hold, by a
 * forced start or a restore. Members talk only with those of the same lineage, or what one side has given up would
 * come back.
 */
export const LineageEntry = message('quorate.LineageEntry', {
  /** Counted from 1. */
  n: uint32(1),
  /** 32 hexadecimal digits, random. */
  id: string(2),
  /** The id of the entry before; empty for the first. */
  parent: string(3),
  /** The last entry of the log that was kept. */
  forkTerm: uint64(4),
  forkIndex: uint64(5),
});
export type LineageEntry = MessageOf<typeof LineageEntry>;

const Lineage = message('quorate.Lineage', { entries: repeatedNested(1, LineageEntry) });

/** No entries are no bytes. */
export function encodeLineage(entries: readonly LineageEntry[]): Bytes {
  return Lineage.encode({ entries });
}

/** @throws WireError when the bytes are no lineage. */
export function decodeLineage(lineage: Bytes): readonly LineageEntry[] {
  return Lineage.decode(lineage).entries;
}

export function extendLineage(
  lineage: Bytes,
  fork: { readonly id: string; readonly term: number; readonly index: number },
): Bytes {
  const entries = decodeLineage(lineage);
  const { id, term: forkTerm, index: forkIndex } = fork;
  const parent = entries.at(-1)?.id ?? '';
  return encodeLineage([...entries, { n: entries.length + 1, id, parent, forkTerm, forkIndex }]);
}
