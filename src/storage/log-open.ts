import type { HardState } from '../raft/types.ts';
import type { Database } from './database.ts';
import { StorageError, rejoinAdvice } from './errors.ts';
import { RecentEntries, TermRuns } from './log-cache.ts';
import { hardStateKey, logStart, readHardState, readPosition, startKey } from './log-rows.ts';
import type { LogPosition } from './log-rows.ts';
import { RunCodec, RunTable, runFirstOf, runsFrom, runsTo } from './log-runs.ts';
import type { LogContent } from './log-store.ts';
import { decodeRecord } from './record.ts';
import type { FieldReader } from './record.ts';
import { scanAll } from './scan.ts';
import type { Bytes } from '../base/bytes.ts';

export interface LogOpenOptions {
  readonly db: Database;
  readonly clusterId: bigint;
  readonly cacheBytesMax: number;
  /** For messages. */
  readonly dataDir: string;
}

/**
 * Reads the whole log and refuses it unless it is what was written: no gap, no entry that fails its checksum
 * or belongs to another cluster, terms that never decrease, a hard state that fits.
 */
export async function loadLog(options: LogOpenOptions): Promise<LogContent> {
  const damaged = (what: string): StorageError =>
    new StorageError(
      'LOG_DAMAGED',
      `The Raft log is damaged: ${what}. ${rejoinAdvice(options.dataDir)}`,
    );

  const start = readRow(options.db, startKey, readPosition, damaged) ?? logStart;
  const hardState = readRow(options.db, hardStateKey, readHardState, damaged);
  const codec = new RunCodec(options.clusterId);
  const terms = new TermRuns(start);
  const recent = new RecentEntries(options.cacheBytesMax);
  const runs = new RunTable();
  let last: LogPosition = start;
  await scanAll(options.db.scan(runsFrom, runsTo), (rows) => {
    for (const row of rows) {
      const first = runFirstOf(row.key);
      // The first run may begin with entries that were compacted away.
      const isNext = runs.count === 0 ? first <= start.index + 1 : first === last.index + 1;
      if (!isNext) throw damaged(`entry ${last.index + 1} is missing, index ${first} follows`);
      const entries = codec.decode(first, row.value);
      if (entries === undefined) {
        throw damaged(`the entries from ${first} on do not match their checksum`);
      }
      for (const entry of entries) {
        if (entry.index <= start.index) continue;
        if (entry.term < last.term) {
          const { index, term } = entry;
          throw damaged(`entry ${index} is of term ${term}, after one of term ${last.term}`);
        }
        last = { index: entry.index, term: entry.term };
        terms.push(entry);
        recent.push(entry);
      }
      const end = first + entries.length - 1;
      if (end <= start.index) {
        throw damaged(`entry ${start.index + 1} is missing, index ${end} is the end of a row`);
      }
      runs.push({ first, lastTerm: last.term });
    }
  });
  return {
    hardState: checkHardState(hardState, last, damaged),
    start,
    lastIndex: last.index,
    terms,
    recent,
    runs,
  };
}

function checkHardState(
  hardState: HardState | undefined,
  last: LogPosition,
  damaged: (what: string) => StorageError,
): HardState {
  if (hardState === undefined) throw damaged('its hard state is missing');
  if (hardState.term < last.term) {
    throw damaged(
      `the last entry, ${last.index}, is of term ${last.term}, above the member's own ${hardState.term}`,
    );
  }
  if (hardState.commit > last.index) {
    throw damaged(
      `entries ${last.index + 1} to ${hardState.commit} are committed and missing at its end`,
    );
  }
  return hardState;
}

function readRow<T>(
  db: Database,
  key: Bytes,
  read: (fields: FieldReader) => T,
  damaged: (what: string) => StorageError,
): T | undefined {
  const value = db.get(key);
  if (value === undefined) return undefined;
  const fields = decodeRecord(key, value);
  if (fields === undefined) throw damaged(`its record ${key[0]} does not match its checksum`);
  return read(fields);
}
