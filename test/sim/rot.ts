import { copyBytes, type Bytes } from '../../src/base/bytes.ts';
import type { Row } from '../../src/storage/types.ts';

/** What was written to rows that are damaged since: members cannot read it any more, their judges can. */
const written = new WeakMap<Row, Bytes>();

export function flipBit(row: Row, byte: number, bit: number): void {
  if (!written.has(row)) written.set(row, copyBytes(row.value));
  row.value[byte] = (row.value[byte] ?? 0) ^ (1 << bit);
}

export function writtenValue(row: Row): Bytes {
  return written.get(row) ?? row.value;
}
