import { compareBytes, concatBytes, type Bytes } from '../base/bytes.ts';
import type { KeyRange } from '../mvcc/types.ts';

const zero: Bytes = new Uint8Array(1);

/** The least key above `key`. */
export function keyAfter(key: Bytes): Bytes {
  return concatBytes([key, zero]);
}

/**
 * The keys that a request names by `key` and `rangeEnd`, which is read as etcd does
 * (server/etcdserver/txn, `mkGteRange`): empty is the one key, a single zero byte is every key from
 * `key` on, and an end at or below `key` is no key at all.
 */
export function keyRange(key: Bytes, rangeEnd: Bytes): KeyRange {
  if (rangeEnd.length === 0) return { from: key, to: keyAfter(key) };
  if (isFromKey(rangeEnd)) return { from: key, to: undefined };
  return { from: key, to: compareBytes(rangeEnd, key) <= 0 ? key : rangeEnd };
}

/** Whether a `rangeEnd` means "to the end of the key space". */
export function isFromKey(rangeEnd: Bytes): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

/** Whether a `rangeEnd` means the one key alone. */
export function isSingleKey(rangeEnd: Bytes): boolean {
  return rangeEnd.length === 0;
}

export function rangeHas(range: KeyRange, key: Bytes): boolean {
  return (
    compareBytes(range.from, key) <= 0 &&
    (range.to === undefined || compareBytes(key, range.to) < 0)
  );
}

/** The rest of `range` above `key`. */
export function rangeAbove(range: KeyRange, key: Bytes): KeyRange {
  return { from: keyAfter(key), to: range.to };
}
