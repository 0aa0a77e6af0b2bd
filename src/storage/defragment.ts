import { emptyBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { encodeRowKey } from '../mvcc/revision.ts';
import type { Database } from './database.ts';
import { replicatedTo, revisionKey, revisionsTo } from './store-rows.ts';

/**
 * Rewrites the files of a store without what was deleted, range by range: LevelDB removes the files that it has
 * replaced while it holds the lock that every read takes, and for 100 MB at once that takes 100 ms and more.
 */

/** Bytes on disk of one range, about: a few of LevelDB's files of 2 MiB. */
const rangeBytesMax = 2 * 1024 * 1024;

type Done = (error: Error | undefined) => void;

/** @param revision the newest one in the store. */
export function compactByRanges(db: Database, revision: number, done: Done): void {
  // The first, which is all but empty, has LevelDB write what it holds in memory: sizes do not count that.
  db.compactRange(emptyBytes, boundaryAt(0), (error) => {
    if (error !== undefined) return done(error);
    compactRevisions(db, [{ from: 0, to: revision + 1 }], (revisionsError) => {
      if (revisionsError !== undefined) return done(revisionsError);
      db.compactRange(revisionsTo, replicatedTo, done);
    });
  });
}

interface Revisions {
  readonly from: number;
  readonly to: number;
}

/** The last of `ranges` first; what is too large is halved. */
function compactRevisions(db: Database, ranges: readonly Revisions[], done: Done): void {
  const range = ranges.at(-1);
  if (range === undefined) return done(undefined);
  const rest = ranges.slice(0, -1);
  const { from, to } = range;
  const [first, end] = [boundaryAt(from), boundaryAt(to)];
  db.approximateBytes(first, end, (error, bytes) => {
    if (error !== undefined) return done(error);
    if (bytes === 0) return compactRevisions(db, rest, done);
    if (bytes > rangeBytesMax && to - from > 1) {
      const middle = from + Math.floor((to - from) / 2);
      return compactRevisions(db, [...rest, { from: middle, to }, { from, to: middle }], done);
    }
    db.compactRange(first, end, (compactError) => {
      if (compactError !== undefined) done(compactError);
      else compactRevisions(db, rest, done);
    });
  });
}

function boundaryAt(revision: number): Bytes {
  return revisionKey(encodeRowKey(revision, 0, false));
}
