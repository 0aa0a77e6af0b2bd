import type { HardState } from '../raft/types.ts';
import type { Database } from './database.ts';
import { StorageError, rejoinAdvice } from './errors.ts';
import { RecentEntries, TermRuns } from './log-cache.ts';
import {
  EntryCodec,
  entriesFrom,
  entriesTo,
  entryIndexOf,
  hardStateKey,
  logStart,
  readHardState,
  readPosition,
  startKey,
} from './log-rows.ts';
import type { LogPosition } from './log-rows.ts';
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
  const codec = new EntryCodec(options.clusterId);
  const terms = new TermRuns(start);
  const recent = new RecentEntries(options.cacheBytesMax);
  let last: LogPosition = start;
  await scanAll(options.db, entriesFrom, entriesTo, (rows) => {
    for (const row of rows) {
      const index = entryIndexOf(row.key);
      if (index !== last.index + 1) {
        throw damaged(`entry ${last.index + 1} is missing, index ${index} follows`);
      }
      const entry = codec.decode(index, row.value);
      if (entry === undefined) throw damaged(`entry ${index} does not match its checksum`);
      if (entry.term < last.term) {
        throw damaged(`entry ${index} is of term ${entry.term}, after one of term ${last.term}`);
      }
      last = { index, term: entry.term };
      terms.push(entry);
      recent.push(entry);
    }
  });
  return {
    hardState: checkHardState(hardState, last, damaged),
    start,
    lastIndex: last.index,
    terms,
    recent,
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
