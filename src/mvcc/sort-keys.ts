import { assert } from '../base/assert.ts';
import type { KeyArena, KeyHandle } from './key-arena.ts';

/**
 * Sorts handles by their keys, three bytes a pass from the left ("MSD radix sort"): a pass packs each
 * key's next bytes and its place into one number and has the numbers sorted natively. A comparison sort would
 * fetch two keys from anywhere in memory for each of its n log n comparisons; this fetches n a pass.
 */
export function sortKeys(arena: KeyArena, handles: Uint32Array): void {
  assert(handles.length <= sortedKeysMax, 'too many keys to sort at once');
  new KeySorter(arena, handles).sort(0, handles.length, 0);
}

const digitBytes = 3;
/** What is left of a safe integer beside three bytes. */
const places = 2 ** 29;
export const sortedKeysMax = places;
/** Below this a run is sorted by comparing. */
const shortRun = 12;

class KeySorter {
  private readonly arena: KeyArena;
  private readonly handles: Uint32Array;
  private readonly packed: Float64Array;

  constructor(arena: KeyArena, handles: Uint32Array) {
    this.arena = arena;
    this.handles = handles;
    this.packed = new Float64Array(handles.length);
  }

  /** Sorts a run of keys that have their first `depth` bytes in common. */
  sort(start: number, end: number, depth: number): void {
    if (end - start < shortRun) {
      this.sortShort(start, end, depth);
      return;
    }
    const { arena, handles, packed } = this;
    const from = depth + this.sharedBytes(start, end, depth);
    for (let i = start; i < end; i++) {
      const digits = arena.digitsAt(handles[i] as number, from, digitBytes);
      packed[i] = digits * places + (i - start);
    }
    packed.subarray(start, end).sort();
    const unsorted = handles.slice(start, end);
    for (let i = start; i < end; i++) {
      handles[i] = unsorted[(packed[i] as number) % places] as KeyHandle;
    }
    for (let runStart = start; runStart < end;) {
      const digits = this.digitsOf(runStart);
      let runEnd = runStart + 1;
      while (runEnd < end && this.digitsOf(runEnd) === digits) runEnd++;
      if (runEnd - runStart > 1) this.sortTied(runStart, runEnd, from);
      runStart = runEnd;
    }
  }

  /** Keys that are the same up to here, and those that end here: they come first, the shortest first. */
  private sortTied(start: number, end: number, from: number): void {
    const { arena, handles } = this;
    const depth = from + digitBytes;
    let ended = start;
    for (let i = start; i < end; i++) {
      const handle = handles[i] as KeyHandle;
      if (arena.lengthOf(handle) > depth) continue;
      handles[i] = handles[ended] as KeyHandle;
      handles[ended++] = handle;
    }
    handles.subarray(start, ended).sort((a, b) => arena.lengthOf(a) - arena.lengthOf(b));
    this.sort(ended, end, depth);
  }

  private sortShort(start: number, end: number, depth: number): void {
    const { arena, handles } = this;
    for (let i = start + 1; i < end; i++) {
      const handle = handles[i] as KeyHandle;
      let at = i;
      while (at > start && arena.compareHandles(handles[at - 1] as KeyHandle, handle, depth) > 0) {
        handles[at] = handles[at - 1] as KeyHandle;
        at--;
      }
      handles[at] = handle;
    }
  }

  /** How many bytes from `depth` on all keys of the run have in common. */
  private sharedBytes(start: number, end: number, depth: number): number {
    const { arena, handles } = this;
    const first = arena.keyOf(handles[start] as KeyHandle);
    let shared = first.length - depth;
    for (let i = start + 1; i < end && shared > 0; i++) {
      arena.compare(handles[i] as KeyHandle, first, depth);
      shared = Math.min(shared, arena.shared - depth);
    }
    return shared;
  }

  private digitsOf(at: number): number {
    return Math.floor((this.packed[at] as number) / places);
  }
}
