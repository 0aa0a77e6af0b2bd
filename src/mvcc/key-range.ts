import { compareBytes, equalBytes, type Bytes } from '../base/bytes.ts';
import type { KeyRange } from './types.ts';

/** The end of a range that holds `key` alone: no key lies between a key and itself with `\0` added. */
export function keySuccessor(key: Bytes): Bytes {
  const successor = new Uint8Array(key.length + 1);
  successor.set(key);
  return successor;
}

/**
 * The range that a request's (key, range_end) means: no end is the key alone, an end of one zero byte
 * is everything from the key on, so `\0`..`\0` is the whole key space; an end at or below the key is
 * no key at all. Both arrays are referred to, not copied.
 */
export function keyRangeOf(key: Bytes, rangeEnd: Bytes): KeyRange {
  if (isSingleKey(rangeEnd)) return { from: key, to: keySuccessor(key) };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from: key, to: undefined };
  return { from: key, to: compareBytes(rangeEnd, key) <= 0 ? key : rangeEnd };
}

/** Whether a request's `range_end` means the one key alone. */
export function isSingleKey(rangeEnd: Bytes): boolean {
  return rangeEnd.length === 0;
}

/** Whether the range is that of one key, as `keyRangeOf` makes it. */
export function isOneKey({ from, to }: KeyRange): boolean {
  if (to === undefined || to.length !== from.length + 1 || to[from.length] !== 0) return false;
  return equalBytes(from, to.subarray(0, from.length));
}

/** The rest of `range` above `key`. */
export function rangeAbove(range: KeyRange, key: Bytes): KeyRange {
  return { from: keySuccessor(key), to: range.to };
}

/** All keys. Keys are never empty, so nothing lies below this start. */
export const wholeKeySpace: KeyRange = { from: new Uint8Array(0), to: undefined };

export function isEmptyRange(range: KeyRange): boolean {
  return range.to !== undefined && compareBytes(range.from, range.to) >= 0;
}

export function isWithinRange(key: Bytes, range: KeyRange): boolean {
  return (
    compareBytes(range.from, key) <= 0 &&
    (range.to === undefined || compareBytes(key, range.to) < 0)
  );
}
