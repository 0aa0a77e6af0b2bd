import type { Bytes } from '../../src/base/bytes.ts';
import type { Row } from '../../src/storage/types.ts';

/** What was written to rows that are damaged since: members cannot read it any more, their judges can. */
const written = new WeakMap<Row, Bytes>();

/** Who has read the row before keeps what it has read. */
export function flipBit(row: Row, byte: number, bit: number): void {
  if (!written.has(row)) written.set(row, row.value);
  const value = new Uint8Array(row.value);
  value[byte] = (value[byte] ?? 0) ^ (1 << bit);
  Object.assign(row, { value });
}

export function writtenValue(row: Row): Bytes {
  return written.get(row) ?? row.value;
}
