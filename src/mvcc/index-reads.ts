import type { KeyHandle } from './key-arena.ts';
import type { KeyIndex } from './key-index.ts';
import type { KeyRange, KeyVersion } from './types.ts';

/**
 * Reads of a range, at the newest revision or, when one is given, as of that revision. Where nothing
 * has changed since, an older revision costs no more than the newest.
 */

/**
 * The first `limit` live versions. O(log n + limit) at the newest revision; at an older one every key up
 * to the last one found is looked at, those of later revisions too.
 */
export function scanIndex(
  index: KeyIndex,
  range: KeyRange,
  limit: number,
  revision: number | undefined,
): readonly KeyVersion[] {
  const found: KeyVersion[] = [];
  if (limit <= 0) return found;
  if (revision === undefined || changedSince(index, revision) === 0) {
    index.tree.visitLive(range, (handle) => {
      found.push(index.describe(index.keys.newestOf(handle)));
      return found.length < limit;
    });
    return found;
  }
  index.tree.visit(range, (handle) => {
    const id = index.liveAt(handle, revision);
    if (id !== 0) found.push(index.describe(id));
    return found.length < limit;
  });
  return found;
}

/** The same: their names alone, into `found`, as many as there is room for. Answers how many there are. */
export function findVersions(
  index: KeyIndex,
  range: KeyRange,
  revision: number | undefined,
  found: Uint32Array,
): number {
  const { keys, tree } = index;
  let count = 0;
  if (revision === undefined || changedSince(index, revision) === 0) {
    tree.visitLive(range, (handle) => {
      found[count++] = keys.newestOf(handle);
      return count < found.length;
    });
    return count;
  }
  tree.visit(range, (handle) => {
    const id = index.liveAt(handle, revision);
    if (id !== 0) found[count++] = id;
    return count < found.length;
  });
  return count;
}

/**
 * The number of live keys. O(log n) at the newest revision; at an older one O(log n + c), where c is the
 * smaller of the changes since then (of any key) and the keys of the range.
 */
export function countIndex(index: KeyIndex, range: KeyRange, revision: number | undefined): number {
  const countNow = index.tree.count(range);
  if (revision === undefined) return countNow;
  const changed = changedSince(index, revision);
  if (changed === 0) return countNow;
  const counted = countNow < changed ? countByWalk(index, range, revision, changed) : undefined;
  return counted ?? countNow + countCorrection(index, range, revision);
}

function changedSince(index: KeyIndex, revision: number): number {
  return index.changes.end - index.changes.firstAfter(revision);
}

/** Undefined when the range holds more than `keysMax` keys, dead ones included. */
function countByWalk(
  index: KeyIndex,
  range: KeyRange,
  revision: number,
  keysMax: number,
): number | undefined {
  let looked = 0;
  let count = 0;
  index.tree.visit(range, (handle) => {
    if (looked === keysMax) {
      looked++;
      return false;
    }
    looked++;
    if (index.liveAt(handle, revision) !== 0) count++;
    return true;
  });
  return looked > keysMax ? undefined : count;
}

/** What to add to the present count for the keys that have changed after `revision`. */
function countCorrection(index: KeyIndex, range: KeyRange, revision: number): number {
  const { changes, keys, versions } = index;
  let correction = 0;
  for (let at = changes.firstAfter(revision); at < changes.end; at++) {
    const id = changes.at(at);
    const handle = versions.keyOf(id);
    // A key that changed more than once counts where its last change stands.
    if (keys.newestOf(handle) !== id || !holds(index, range, handle)) continue;
    if (!versions.isTombstone(id)) correction--;
    if (index.liveAt(handle, revision) !== 0) correction++;
  }
  return correction;
}

function holds(index: KeyIndex, { from, to }: KeyRange, handle: KeyHandle): boolean {
  const { keys } = index;
  return keys.compare(handle, from) >= 0 && (to === undefined || keys.compare(handle, to) < 0);
}
